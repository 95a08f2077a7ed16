"""Raw files encrypted at rest: AES-256-GCM with a key for each period, wrapped by one from the environment that no disk has.

A sealed file keeps the name of its content, so that manifests and events hold for it as they are:

    magic, a line of JSON (period of the key, salt), blocks of 1 MiB each with its tag, SHA-256 of all before

The key of a file is derived from its period's by the salt; a block's nonce counts, and the last one is marked, so that none can be
left out, exchanged or cut off. The closing SHA-256 shows damage to whoever has no key; forgery is shown by the tags. A period whose
wrapped key is destroyed cannot be read by anybody again, wherever copies of its files are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from duizhang.disk import make_folder, written
from duizhang.errors import RefusedFile, UserError

KEY_VARIABLE = "DUIZHANG_ARCHIVE_KEY"
KEYS = "keys"
MAGIC = b"duizhang-sealed-1\n"
BLOCK = 1 << 20
# of a larger one the clear text goes to the disk while it is read, in a file that has no name
IN_MEMORY = 256 << 20
_TAG, _SUM, _HEAD, _SECRET = 16, 32, 4096, 32
_MAKE_ONE = "Make one with: openssl rand -base64 32"


class Closed(UserError):
    """A sealed file whose key is not at hand: not given, another one, or destroyed."""


class Damaged(UserError):
    """A sealed file that is not as it was written."""


def is_sealing(home: Path) -> bool:
    """Whether raw files of this home are sealed; once they are, they stay so."""
    return _marker(home).is_file()


def begin_sealing(home: Path) -> None:
    """Seal what is archived from now on. Raises UserError where the environment gives no key."""
    _secret()
    if not is_sealing(home):
        make_folder(home / KEYS, mode=0o700)
        with written(_marker(home), mode=0o600) as partial:
            partial.write_text(json.dumps({"sealed": True}) + "\n", encoding="utf-8")


def need_key(home: Path) -> None:
    """Raises UserError where raw files are sealed and the environment gives no key."""
    if is_sealing(home):
        _secret()


def _marker(home: Path) -> Path:
    return home / KEYS / "archive.json"


def key_path(home: Path, period: str) -> Path:
    """Where the wrapped key of a period (`2026-03`) is."""
    return home / KEYS / "archive" / f"{period}.key"


def destroy_key(home: Path, period: str) -> None:
    """Take a period's key away: what it sealed cannot be read again."""
    key_path(home, period).unlink(missing_ok=True)


def _secret() -> bytes:
    text = os.environ.get(KEY_VARIABLE, "").strip()
    if not text:
        raise Closed(f"the archive is encrypted, and {KEY_VARIABLE} is not set", advice=f"Give the key it was sealed with. {_MAKE_ONE}")
    try:
        found = base64.b64decode(text, validate=True)
    except (ValueError, binascii.Error):
        found = b""
    if len(found) != _SECRET:
        raise Closed(f"{KEY_VARIABLE} is no key: expected base64 of {_SECRET} bytes", advice=_MAKE_ONE)
    return found


def _period_key(home: Path, period: str, *, make: bool = False) -> bytes:
    from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

    path, secret = key_path(home, period), _secret()
    if make and not path.exists():
        make_folder(path.parent, mode=0o700)
        with written(path, mode=0o600) as partial:
            partial.write_bytes(base64.b64encode(aes_key_wrap(secret, os.urandom(_SECRET))) + b"\n")
    try:
        return aes_key_unwrap(secret, base64.b64decode(path.read_bytes().strip(), validate=True))
    except FileNotFoundError as error:
        raise Closed(f"the key of {period} was destroyed: what it sealed stays closed") from error
    except (InvalidUnwrap, ValueError) as error:
        raise Closed(f"{KEY_VARIABLE} is not the key that the archive of {period} was sealed with, or {path} is damaged") from error


def _cipher(key: bytes, salt: bytes):  # type: ignore[no-untyped-def] # the library is loaded where it is used
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.kdf.hkdf import HKDF

    return AESGCM(HKDF(algorithm=SHA256(), length=_SECRET, salt=salt, info=b"duizhang archived file").derive(key))


def _nonce(number: int, *, last: bool) -> bytes:
    return bytes([last, 0, 0, 0]) + number.to_bytes(8, "big")


def seal(blocks: Iterator[bytes], target: BinaryIO, home: Path, period: str) -> str:
    """Write blocks sealed with a period's key; the SHA-256 of the clear text."""
    salt, clear, sealed = os.urandom(16), hashlib.sha256(), hashlib.sha256()
    head = MAGIC + json.dumps({"period": period, "salt": base64.b64encode(salt).decode()}).encode() + b"\n"
    cipher = _cipher(_period_key(home, period, make=True), salt)

    def put(data: bytes) -> None:
        sealed.update(data)
        target.write(data)

    put(head)
    held, number = b"", 0
    for data in blocks:
        clear.update(data)
        held += data
        while len(held) > BLOCK:
            put(cipher.encrypt(_nonce(number, last=False), held[:BLOCK], head))
            held, number = held[BLOCK:], number + 1
    put(cipher.encrypt(_nonce(number, last=True), held, head))
    target.write(sealed.digest())
    return clear.hexdigest()


def _head(stream: BinaryIO) -> tuple[bytes, str, bytes] | None:
    """(head, period, salt) of a sealed file; None where it is none."""
    if stream.read(len(MAGIC)) != MAGIC:
        return None
    line = stream.readline(_HEAD)
    try:
        said = json.loads(line)
        return MAGIC + line, str(said["period"]), base64.b64decode(said["salt"], validate=True)
    except (ValueError, KeyError, TypeError):
        return None


def period_of(path: Path) -> str | None:
    """The period whose key sealed a file; None for one that is in clear."""
    with path.open("rb") as stream:
        found = _head(stream)
    return found[1] if found else None


def clear_blocks(path: Path) -> Iterator[bytes]:
    """What a file of the archive holds, in blocks, whether it is sealed or not. Raises Closed or Damaged."""
    from cryptography.exceptions import InvalidTag

    home, size = path.parents[2], path.stat().st_size
    with path.open("rb") as stream:
        found = _head(stream)
        if found is None:
            stream.seek(0)
            while data := stream.read(BLOCK):
                yield data
            return
        head, period, salt = found
        cipher, left, number = _cipher(_period_key(home, period), salt), size - len(head) - _SUM, 0
        while True:
            part = stream.read(min(left, BLOCK + _TAG))
            left -= len(part)
            try:
                yield cipher.decrypt(_nonce(number, last=left <= 0), part, head)
            except (InvalidTag, ValueError) as error:
                raise Damaged(f"the archived file {path.name} was changed since it was sealed") from error
            if left <= 0:
                return
            number += 1


def is_as_sealed(path: Path) -> bool:
    """Whether the bytes of a sealed file are those that were written, as far as can be told without its key."""
    digest, left = hashlib.sha256(), path.stat().st_size - _SUM
    with path.open("rb") as stream:
        while left > 0 and (data := stream.read(min(BLOCK, left))):
            digest.update(data)
            left -= len(data)
        return stream.read() == digest.digest()


def clear_digest(path: Path) -> str:
    """SHA-256 of what a file of the archive holds. Raises Closed or Damaged."""
    digest = hashlib.sha256()
    for data in clear_blocks(path):
        digest.update(data)
    return digest.hexdigest()


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """A path under which readers find what a file of the archive holds: its own where it is in clear, else one of the same name
    that leads into memory (into a file without a name, where it is large), and is gone at the end of the block."""
    if period_of(path) is None:
        yield path
        return
    incoming = path.parents[2] / "incoming"
    incoming.mkdir(mode=0o700, exist_ok=True)
    folder = incoming / uuid.uuid4().hex
    folder.mkdir(mode=0o700)
    link = folder / path.name
    try:
        with _nameless(folder, path.stat().st_size) as stream:
            for data in clear_blocks(path):
                stream.write(data)
            stream.flush()
            link.symlink_to(f"/proc/{os.getpid()}/fd/{stream.fileno()}")
            yield link
    except OSError as error:
        raise RefusedFile(f"the sealed file could not be opened: {error.strerror or error}", advice="Make room, or free memory.") from error
    finally:
        link.unlink(missing_ok=True)
        folder.rmdir()


def _nameless(folder: Path, size: int) -> BinaryIO:
    """A file that nobody else finds, in memory where the system has such."""
    if size <= IN_MEMORY and hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("duizhang"), "w+b")
    place = folder / "clear"
    stream = os.fdopen(os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "w+b")
    if Path("/proc/self/fd").is_dir():
        place.unlink()
    return stream
