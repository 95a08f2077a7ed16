"""`duizhang key`: the key with which a person signs what they do."""

from __future__ import annotations

from pathlib import Path

import click

from duizhang.cli.answers import answer, json_option
from duizhang.speech.language import translated as _


@click.group("key")
def command() -> None:
    """The key with which a person signs what they do."""


@command.command("new")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
def new(file: Path, *, as_json: bool) -> None:
    """Make a key of your own in FILE, and show what books.yaml has to say of you. Nobody else may read the file; it is encrypted where
    DUIZHANG_KEY_PASSPHRASE is set."""
    from duizhang.close.keys import new_key

    public = new_key(file)
    answer({"file": file, "public_key": public}, [
        _("{file}: keep it to yourself, and give it with --key or DUIZHANG_KEY", file=file),
        _("books.yaml, below people:") + f'   {file.stem}: {{name: ..., role: ..., key: "{public}"}}',
    ], as_json=as_json)
