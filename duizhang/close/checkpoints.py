"""Signed checkpoints of the event log: a few lines that whoever keeps them can hold the log against, years later.

Their text is the checkpoint of transparency logs (C2SP tlog-checkpoint: origin, number of events, root of their Merkle tree) signed as
a note (C2SP signed-note, Ed25519). The chain of hashes and its witness stand in the home; whoever can write there can write both
anew. Against a checkpoint that was kept elsewhere such a log has another root.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from duizhang.close.merkle import leaf_hash, root_of
from duizhang.errors import UserError
from duizhang.home.disk import written
from duizhang.home.events import Event
from duizhang.home.identity import identity

KEY_FILE, KEY_VARIABLE = "checkpoint.key", "DUIZHANG_CHECKPOINT_KEY"
_ED25519 = b"\x01"
_SEED_BYTES = 32


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint says: of which log, how many events, and the root of their tree."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def checkpoint_of(home: Path, log: list[Event]) -> Checkpoint:
    """The checkpoint of a log as it now is."""
    return Checkpoint(_origin(home), len(log), root_of([leaf_hash(event.record) for event in log]))


def signed_checkpoint(home: Path, log: list[Event]) -> str:
    """The checkpoint, signed with the home's own key, or with that of the environment (DUIZHANG_CHECKPOINT_KEY, base64 of 32 bytes).

    The home's key is made where there is none. Raises UserError where a key cannot be read.
    """
    _make_key(home)
    found, key = checkpoint_of(home, log), _private_key(home)
    public = key.public_key().public_bytes_raw()
    signature = base64.b64encode(_key_hash(found.origin, public) + key.sign(found.text.encode())).decode()
    return f"{found.text}\n— {found.origin} {signature}\n"


def verifier_key(home: Path, *, make: bool = False) -> str:
    """The public key in the form of signed notes: name, hash, key. make: one where the home has none yet, else that is a UserError."""
    if make:
        _make_key(home)
    origin, public = _origin(home), _private_key(home).public_key().public_bytes_raw()
    return f"{origin}+{_key_hash(origin, public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"


def key_problem(home: Path) -> str:
    """What is wrong with the key that the home keeps; empty where nothing is, or none is there. A key without its public one beside it,
    as they were written before, says nothing of whether it was changed."""
    try:
        if (home / KEY_FILE).exists():
            _key_in(home / KEY_FILE)
    except UserError as error:
        return str(error)
    return ""


def read_checkpoint(note: str, key: str) -> Checkpoint:
    """What a signed checkpoint says. UserError where it is none, or was not signed with the key (as `verifier_key` writes it)."""
    try:
        text, _, signatures = note.partition("\n\n")
        origin, size, root = text.split("\n")
        name, key_hash, encoded = key.strip().split("+", 2)
        public = base64.b64decode(encoded, validate=True)
        found = Checkpoint(origin, int(size), base64.b64decode(root, validate=True))
        signed = [line.removeprefix("— ").split(" ") for line in signatures.splitlines() if line.startswith("— ")]
        ours = [base64.b64decode(part, validate=True) for who, part in signed if who == name]
    except (ValueError, binascii.Error) as error:
        raise UserError("this is no signed checkpoint, or no key of one", advice="`duizhang checkpoint` writes both.") from error
    if public[:1] != _ED25519 or _key_hash(name, public[1:]).hex() != key_hash:
        raise UserError("the key of the checkpoint is damaged")
    for part in ours:
        try:
            Ed25519PublicKey.from_public_bytes(public[1:]).verify(part[4:], found.text.encode())
        except (InvalidSignature, ValueError):
            continue
        return found
    raise UserError(f"the checkpoint was not signed by {name}, or was changed since")


def held_against(found: Checkpoint, log: list[Event]) -> list[str]:
    """What is wrong with a log that once had this checkpoint; empty where its first events are still those."""
    if len(log) < found.size:
        return [f"the checkpoint knows {found.size} events, the log has {len(log)}: its end was cut off"]
    if root_of([leaf_hash(event.record) for event in log[: found.size]]) != found.root:
        return [f"the first {found.size} events are not those of the checkpoint: the log was changed or written anew since"]
    return []


def _origin(home: Path) -> str:
    return f"duizhang.{identity(home).id}"


def _key_hash(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def _make_key(home: Path) -> None:
    path = home / KEY_FILE
    if not os.environ.get(KEY_VARIABLE) and not path.exists():
        with written(path, mode=0o600) as partial:
            partial.touch(mode=0o600)
            lines = _lines(Ed25519PrivateKey.from_private_bytes(os.urandom(_SEED_BYTES)))
            partial.write_text("".join(f"{line}\n" for line in lines), encoding="ascii")


def _private_key(home: Path) -> Ed25519PrivateKey:
    given, path = os.environ.get(KEY_VARIABLE, ""), home / KEY_FILE
    if not given and not path.exists():
        raise UserError(f"{home} has no key for checkpoints yet", advice="`duizhang checkpoint` makes one; or give the key with --key.")
    return _key_of(given, KEY_VARIABLE) if given else _key_in(path)


def _key_in(path: Path) -> Ed25519PrivateKey:
    try:
        return _key_of(path.read_text(encoding="ascii"), str(path))
    except (ValueError, OSError) as error:
        raise UserError(f"{path} is no key: expected base64 of {_SEED_BYTES} bytes") from error


def _key_of(text: str, where: str) -> Ed25519PrivateKey:
    """The key of a text: the private one and, below it in a file of ours, the public one. Any 32 bytes are a private key; that they are
    those that were written only the public one says."""
    written_as = text.split()
    try:
        found = Ed25519PrivateKey.from_private_bytes(base64.b64decode("".join(written_as[:1]), validate=True))
    except ValueError as error:
        raise UserError(f"{where} is no key: expected base64 of {_SEED_BYTES} bytes") from error
    if len(written_as) > 1 and written_as != _lines(found):
        raise UserError(f"{where} was changed: its private and its public key do not belong together",
                        advice="Put it back from where you keep it; what it signed is proved by its public key all the same.")
    return found


def _lines(key: Ed25519PrivateKey) -> list[str]:
    return [base64.b64encode(part).decode() for part in (key.private_bytes_raw(), key.public_key().public_bytes_raw())]
