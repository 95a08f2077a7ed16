"""Files behind a password: ZIP (AES and ZipCrypto), XLSX and XLS. The password comes from outside, never from a file of the books.

DUIZHANG_FILE_PASSWORD holds one, DUIZHANG_FILE_PASSWORDS several, one a line; whoever asks a person gives it to `with_password`.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import BinaryIO

from duizhang.errors import RefusedFile

ONE, MANY = "DUIZHANG_FILE_PASSWORD", "DUIZHANG_FILE_PASSWORDS"
ADVICE = f"Set {ONE} to the password (or {MANY}, one a line), or save the file again without one."
_ASKED: ContextVar[tuple[str, ...]] = ContextVar("passwords", default=())


class LockedFile(RefusedFile):
    """A file or a member that asks for a password which nobody has given."""


@contextmanager
def with_password(password: str) -> Iterator[None]:
    """Try this password as well."""
    token = _ASKED.set((password, *_ASKED.get()))
    try:
        yield
    finally:
        _ASKED.reset(token)


def passwords() -> list[str]:
    """The passwords that were given, each once."""
    given = [*_ASKED.get(), os.environ.get(ONE, ""), *os.environ.get(MANY, "").splitlines()]
    return list(dict.fromkeys(password for password in given if password))


def locked(name: str) -> LockedFile:
    """What to say of a file or member that none of the passwords opens."""
    tried = "and none of those given opens it" if passwords() else "and none was given"
    return LockedFile(f"{name} is protected by a password, {tried}", advice=ADVICE)


def unlocked_workbook(body: bytes, name: str) -> bytes:
    """A workbook in an OLE container without its protection; as it is where it has none. Raises LockedFile."""
    import msoffcrypto  # type: ignore[import-untyped]
    from msoffcrypto.exceptions import (  # type: ignore[import-untyped]
        DecryptionError,
        FileFormatError,
        InvalidKeyError,
        ParseError,
    )

    try:
        office = msoffcrypto.OfficeFile(io.BytesIO(body))
        if not office.is_encrypted():
            return body
    except (FileFormatError, ParseError, DecryptionError, OSError, ValueError, KeyError, IndexError):
        return body  # whatever it is, the reader of workbooks says what is wrong with it
    for password in passwords():
        plain: BinaryIO = io.BytesIO()
        try:
            office.load_key(password=password)
            office.decrypt(plain)
        except (InvalidKeyError, DecryptionError, ParseError):
            continue
        plain.seek(0)
        return plain.read()
    raise locked(name)
