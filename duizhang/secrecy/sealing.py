"""Raw files encrypted at rest: AES-256-GCM with a key for each period, wrapped by one from the environment that no disk has.

A sealed file keeps the name of its content, so that manifests and events hold for it as they are:

    magic, a line of JSON (period of the key, salt), blocks of 1 MiB each with its tag, SHA-256 of all before

The key of a file is derived from its period's by the salt; a block's nonce counts, and the last one is marked, so that none can be
left out, exchanged or cut off. The closing SHA-256 shows damage to whoever has no key; forgery is shown by the tags. A period whose
wrapped key is destroyed cannot be read by anybody again, wherever copies of its files are. Where somebody was erased from a period's
files they are sealed with its next key (`2026-03.1`), and the one before is destroyed.

A file from which people were erased is a stand-in under the name of what it was: magic, a line of JSON (whose place it has, SHA-256 of
what follows), and the file without them; all of that is sealed where the others are.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from duizhang.digest import blocks_digest
from duizhang.errors import RefusedFile, UserError
from duizhang.home.disk import make_folder, written

KEY_VARIABLE = "DUIZHANG_ARCHIVE_KEY"
KEYS = "keys"
MAGIC = b"duizhang-sealed-1\n"
STANDS_IN = b"duizhang-erased-1\n"
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


def _newest(home: Path, month: str) -> str:
    """The period whose key seals what comes in a month."""
    known = [path.stem.partition(".") for path in key_path(home, month).parent.glob(f"{month}*.key")]
    newest = max((int(number or 0) for name, _, number in known if name == month and (number or "0").isdecimal()), default=0)
    return f"{month}.{newest}" if newest else month


def renew_key(home: Path, period: str) -> list[str]:
    """Seal everything of a period's month with a new key, and destroy those before it; their periods.

    A kill in between leaves files under several keys, all of which are still there; the next call ends it.
    """
    month = period.partition(".")[0]
    newest = _newest(home, month)
    new = f"{month}.{int(newest.partition('.')[2] or 0) + 1}"
    _period_key(home, new, make=True)
    for path in sorted((home / "archive").glob("*/*")):
        found = period_of(path) if path.is_file() else None
        if found and found != new and found.partition(".")[0] == month:
            reseal(path, kept_blocks(path), new)
    known = [path.stem for path in key_path(home, month).parent.glob("*.key")]
    gone = sorted(name for name in known if name != new and name.partition(".")[0] == month)
    for name in gone:
        destroy_key(home, name)
    return gone


def reseal(path: Path, blocks: Iterable[bytes], period: str | None) -> None:
    """Put other bytes in the place of a file of the archive, sealed where a period is given; its time stays."""
    seen = path.stat()
    with written(path, mode=0o600) as partial:
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as target:
            if period:
                seal(blocks, target, path.parents[2], period)
            else:
                target.writelines(blocks)
        os.utime(partial, ns=(seen.st_atime_ns, seen.st_mtime_ns))


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


def seal(blocks: Iterable[bytes], target: BinaryIO, home: Path, period: str) -> str:
    """Write blocks sealed with a period's key; the SHA-256 of the clear text."""
    salt, clear, sealed = os.urandom(16), hashlib.sha256(), hashlib.sha256()
    period = period if "." in period else _newest(home, period)
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


def stands_for(head: bytes) -> tuple[str, str, int] | None:
    """(whose place it has, SHA-256 of what follows, where that begins) of a stand-in, of which the first bytes are given."""
    if not head.startswith(STANDS_IN) or (end := head.find(b"\n", len(STANDS_IN), _HEAD)) < 0:
        return None
    try:
        said = json.loads(head[len(STANDS_IN):end])
        return str(said["of"]), str(said["sha256"]), end + 1
    except (ValueError, KeyError, TypeError):
        return None


def stand_in(of: str, body: bytes) -> bytes:
    """A file without those who were erased, as it stands under the name of what it was."""
    return STANDS_IN + json.dumps({"of": of, "sha256": hashlib.sha256(body).hexdigest()}).encode() + b"\n" + body


def erased_digest(path: Path) -> str:
    """SHA-256 of what a stand-in of the archive has in the place of the file; '' for a file as it came. Raises Closed or Damaged."""
    return _apart(path)[0]


def clear_blocks(path: Path) -> Iterator[bytes]:
    """What a file of the archive holds, in blocks, whether it is sealed or not, or people were erased from it. Raises Closed or
    Damaged."""
    yield from _apart(path)[1]


def _apart(path: Path) -> tuple[str, Iterator[bytes]]:
    """(what `erased_digest` gives, what `clear_blocks` gives) of a file of the archive."""
    blocks = kept_blocks(path)
    first = next(blocks, b"")
    found = stands_for(first)
    # somebody may send a file that begins so; none of them has the name that it tells
    if found is None or found[0] != path.name:
        return "", chain([first], blocks)
    return found[1], chain([first[found[2]:]], blocks)


def kept_blocks(path: Path) -> Iterator[bytes]:
    """The same with the head of a stand-in."""
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
    """SHA-256 of what a file of the archive holds, or of that in whose place it stands. Raises Closed or Damaged."""
    return digests(path)[0]


def digests(path: Path) -> tuple[str, str]:
    """(what `clear_digest` gives, what `erased_digest` gives) of a file of the archive, read once."""
    instead, blocks = _apart(path)
    found = blocks_digest(blocks)
    return (path.name if found == instead else "", instead) if instead else (found, "")


@contextmanager
def opened(path: Path) -> Iterator[Path]:
    """A path under which readers find what a file of the archive holds: its own where it is in clear, else one of the same name
    that leads into memory (into a file without a name, where it is large), and is gone at the end of the block."""
    with path.open("rb") as stream:
        is_plain = not stream.read(_HEAD).startswith((MAGIC, STANDS_IN))
    if is_plain:
        yield path
        return
    with laid_open(path.parents[2], path.name, clear_blocks(path), path.stat().st_size) as link:
        yield link


@contextmanager
def laid_open(home: Path, name: str, blocks: Iterable[bytes], size: int) -> Iterator[Path]:
    """A path under which readers find some blocks, which are in memory, or in a file without a name where they are large."""
    incoming = home / "incoming"
    incoming.mkdir(mode=0o700, exist_ok=True)
    folder = incoming / uuid.uuid4().hex
    folder.mkdir(mode=0o700)
    link = folder / name
    try:
        with _nameless(folder, size) as stream:
            for data in blocks:
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
