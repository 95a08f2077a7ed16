"""The seal of a landed folder stands for every byte of it, its own included."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from duizhang.home.landed_folders import SEAL, broken, is_whole, seal


def test_no_byte_of_a_landed_folder_or_of_its_seal_changes_unseen(tmp_path: Path) -> None:
    folder = tmp_path / "landed"
    folder.mkdir()
    for name in ("meta.json", "rows.parquet"):
        (folder / name).write_text(name)
    seal(folder)
    assert is_whole(folder)
    assert broken(folder) == []
    for name in (SEAL, "rows.parquet"):
        whole = (folder / name).read_bytes()
        for at in range(len(whole)):
            (folder / name).write_bytes(whole[:at] + bytes([whole[at] ^ 1 << at % 8]) + whole[at + 1 :])
            assert broken(folder) == [name], (name, at)
        (folder / name).write_bytes(whole)
    shutil.copytree(folder, tmp_path / "copy")  # with other times: the seal is renewed
    assert is_whole(tmp_path / "copy")
    assert broken(tmp_path / "copy") == []
    told = json.loads((folder / SEAL).read_text())
    (folder / SEAL).write_text(json.dumps({"files": told["files"], "digest": told["digest"]}))
    assert is_whole(folder), "as an earlier release wrote it"
