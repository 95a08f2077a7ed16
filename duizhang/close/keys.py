"""The keys of people and of the machine: Ed25519, the private half in a file of its owner, the public one in books.yaml."""

from __future__ import annotations

import base64
import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from duizhang.errors import UserError

PASSPHRASE_VARIABLE = "DUIZHANG_KEY_PASSPHRASE"  # noqa: S105 - the name of a variable
_PREFIX = "ed25519:"


def new_key(path: Path) -> str:
    """Make a key of a person in a file for its owner's eyes alone; the public key, for books.yaml.

    It is encrypted where DUIZHANG_KEY_PASSPHRASE is set. Raises UserError where there is a file already.
    """
    secret = Ed25519PrivateKey.generate()
    phrase = os.environ.get(PASSPHRASE_VARIABLE, "").encode()
    how = serialization.BestAvailableEncryption(phrase) if phrase else serialization.NoEncryption()
    body = secret.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, how)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise UserError(f"{path} is there already", advice="A key is never overwritten; give another name.") from error
    with os.fdopen(descriptor, "wb") as file:
        file.write(body)
    return public_key(secret)


def read_key(path: Path) -> Ed25519PrivateKey:
    """The private key in a file; UserError where there is none, or its passphrase (DUIZHANG_KEY_PASSPHRASE) is another."""
    try:
        body = path.read_bytes()
    except OSError as error:
        raise UserError(f"there is no key at {path}: {error.strerror}", advice="`duizhang key new` makes one.") from error
    return loaded_key(body, os.environ.get(PASSPHRASE_VARIABLE, ""), str(path))


def loaded_key(body: bytes, passphrase: str, what: str) -> Ed25519PrivateKey:
    """The private key in the bytes of a key file, which `what` names in messages; UserError where it is none, or the passphrase is
    another's."""
    try:
        found = serialization.load_pem_private_key(body, passphrase.encode() if b"ENCRYPTED" in body else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UserError(f"{what} is no key, or {PASSPHRASE_VARIABLE} is not its passphrase") from error
    if not isinstance(found, Ed25519PrivateKey):
        raise UserError(f"{what} is no Ed25519 key", advice="`duizhang key new` makes one.")
    return found


def public_key(secret: Ed25519PrivateKey) -> str:
    """The public half of a key, as books.yaml has it."""
    raw = secret.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return _PREFIX + base64.urlsafe_b64encode(raw).decode().rstrip("=")


def is_signed(text: str, public: str, signature: str) -> bool:
    """Whether the signature of a text, in base64, is by the private half of a key, as books.yaml has the public one."""
    try:
        raw = base64.urlsafe_b64decode(public.removeprefix(_PREFIX) + "=")
        Ed25519PublicKey.from_public_bytes(raw).verify(base64.urlsafe_b64decode(signature), text.encode())
    except (InvalidSignature, ValueError):
        return False
    return True
