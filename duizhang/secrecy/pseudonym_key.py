"""The key of the pseudonyms, of which the part that names one person can be destroyed.

A key of its own kind is a file of JSON: a MAC key, by which every value has a place among 2⁴⁰, and trees of seeds (Goldreich,
Goldwasser and Micali) that lead to the places. The pseudonym is made of the seed at its place and the MAC of the value. Erasing a
person opens the tree along the way there: the seeds beside the way are kept, the one at its end is not, and nothing that is left
leads to it, while every other pseudonym stays what it is. Whoever comes back after that is named by the next tree.

Any other text is a key of before: its pseudonyms are the MAC alone (`mac_of`), and nobody can be taken out of it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from duizhang.errors import BooksError

PSEUDONYM_BYTES = 10
TOKEN = b"erased-"  # in a raw file, in the place of a person who was erased
SEED = 16
FIRST, NEXT = 1 << 16, 1 << 8  # children of the root, and of each seed below it
STEPS = (2, 3, 4)  # the byte of a MAC that each step below the first goes by
_PATHS = ((0, 2), (2, 3), (3, 4), (4, 5))
_KIND = "duizhang_pseudonym_key"
_GONE = bytes(SEED)
_TAG = 8


@dataclass(frozen=True)
class Tree:
    """Seeds from a root, where nobody was taken out; else those that are left, of each opened way the children (16 bytes each)."""

    root: bytes = b""
    opened: Mapping[bytes, bytes] = field(default_factory=dict)

    def children(self, way: bytes) -> bytes | None:
        """The seeds below the way, all 0 where they are opened or gone; None where the seed above them is still there."""
        if self.root:
            return _first(self.root) if not way else None
        return self.opened.get(way)

    def seed(self, mac: bytes) -> bytes | None:
        """The seed at the place of a MAC; None where it was destroyed."""
        found: bytes | None = None
        for level, (start, end) in enumerate(_PATHS):
            number = int.from_bytes(mac[start:end], "little")
            known = self.children(mac[:start]) if found is None else None
            if known is not None:
                found = known[SEED * number:SEED * (number + 1)]
                if found == _GONE:
                    found = None
            elif found is not None:
                found = child(found, number, level)
            else:
                return None
        return found

    def without(self, mac: bytes) -> Tree:
        """The tree from which the seed at the place of a MAC is gone."""
        opened = {way: bytearray(seeds) for way, seeds in self.opened.items()}
        if self.root:
            opened[b""] = bytearray(_first(self.root))
        for level, (start, end) in enumerate(_PATHS):
            number = int.from_bytes(mac[start:end], "little")
            at = slice(SEED * number, SEED * (number + 1))
            above = opened[mac[:start]]
            if level + 1 < len(_PATHS) and mac[:end] not in opened:
                opened[mac[:end]] = bytearray(b"".join(_children(bytes(above[at]), level + 1, NEXT)))
            above[at] = _GONE
        return Tree(opened={way: bytes(seeds) for way, seeds in opened.items()})


@dataclass(frozen=True)
class PersonKey:
    """A key from which people can be taken. name: what it is told apart by; it stays when somebody is."""

    mac: bytes
    trees: tuple[Tree, ...]

    @property
    def name(self) -> str:
        return hashlib.sha256(b"duizhang/pseudonym/name\0" + self.mac).hexdigest()[:32]

    def pseudonym_of(self, mac: bytes) -> str:
        """The pseudonym of the value with this MAC, by the first tree that has its place still."""
        seed = next(found for tree in self.trees if (found := tree.seed(mac)) is not None)
        return "p" + _mixed(bytes(a ^ b for a, b in zip(seed, mac, strict=True)))[:PSEUDONYM_BYTES].hex()

    def times_erased(self, value: str) -> int:
        """How often the person of a value was taken out of the key."""
        mac = mac_of(self.mac, value)
        return next(number for number, tree in enumerate(self.trees) if tree.seed(mac) is not None)

    def without(self, values: Iterable[str]) -> PersonKey:
        """The key that leads to the pseudonyms of these values no more; what comes of them later has other ones."""
        trees = list(self.trees)
        for mac in {mac_of(self.mac, value) for value in values}:
            number = next(n for n, tree in enumerate(trees) if tree.seed(mac) is not None)
            trees[number] = trees[number].without(mac)
        if not trees[-1].root:  # the last one has everybody
            trees.append(Tree(os.urandom(SEED)))
        return PersonKey(self.mac, tuple(trees))

    def token(self, pseudonym: str) -> bytes:
        """What stands in a raw file for a person who was erased: the pseudonym, and what nobody can make without the key."""
        return TOKEN + pseudonym.encode() + b"-" + mac_of(self.mac, f"token\0{pseudonym}")[:_TAG].hex().encode()

    def named_by(self, cell: bytes) -> str:
        """The pseudonym for which a cell of a raw file stands; '' where it stands for itself."""
        found = cell[len(TOKEN):len(TOKEN) + 1 + 2 * PSEUDONYM_BYTES].decode("ascii", "replace") if cell.startswith(TOKEN) else ""
        return found if found and cell == self.token(found) else ""

    def text(self) -> str:
        """The key as its file has it."""
        trees = [
            {"root": _shown(tree.root)} if tree.root
            else {"opened": {way.hex(): _shown(seeds) for way, seeds in sorted(tree.opened.items())}}
            for tree in self.trees
        ]
        return json.dumps({_KIND: 1, "mac": _shown(self.mac), "trees": trees}, separators=(",", ":")) + "\n"


TOKEN_BYTES = len(TOKEN) + 1 + 2 * PSEUDONYM_BYTES + 1 + 2 * _TAG


def new_key() -> PersonKey:
    """A key that nobody has."""
    return PersonKey(os.urandom(32), (Tree(os.urandom(SEED)),))


@lru_cache(4)
def person_key(key: bytes) -> PersonKey | None:
    """The key of a text; None for one of before. Raises BooksError where it is damaged."""
    if not key.startswith(b'{"' + _KIND.encode()):
        return None
    try:
        said = json.loads(key)
        mac = _read(said["mac"])
        trees = tuple(
            Tree(_read(tree.get("root", "")), {bytes.fromhex(way): _read(seeds) for way, seeds in tree.get("opened", {}).items()})
            for tree in said["trees"]
        )
        sizes = {len(seeds) == SEED * (NEXT if way else FIRST) for tree in trees for way, seeds in tree.opened.items()}
        if len(mac) == 32 and sizes <= {True} and trees and len(trees[-1].root) == SEED:
            return PersonKey(mac, trees)
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error):
        pass
    raise BooksError("the pseudonym key is damaged", advice="Put a copy of it back; with another key everybody has another pseudonym.")


def name_of(key: bytes) -> str:
    """What tells one key from another, and stays when people are taken out of it. It is secret where the key is of before."""
    found = person_key(key)
    return found.name if found else key.hex()


def mac_key(key: bytes) -> bytes:
    """The AES-256 key of the pseudonyms, for no other use, out of a key of any length."""
    return hashlib.sha256(b"duizhang/pseudonym/aes-256-cmac\0" + key).digest()


def mac_of(key: bytes, value: str) -> bytes:
    """AES-256-CMAC of a value."""
    from cryptography.hazmat.primitives.ciphers.algorithms import AES  # most commands ask for no pseudonym
    from cryptography.hazmat.primitives.cmac import CMAC

    mac = CMAC(AES(mac_key(key)))
    mac.update(value.encode())
    return mac.finalize()


def pseudonym(key: bytes, value: str) -> str:
    """A stable pseudonym of a personal value: 80 bits in hex, '' for ''."""
    if not value:
        return ""
    persons = person_key(key)
    if persons is None:
        return "p" + mac_of(key, value)[:PSEUDONYM_BYTES].hex()
    return persons.named_by(value.encode()) or persons.pseudonym_of(mac_of(persons.mac, value))


def child(seed: bytes, number: int, level: int) -> bytes:
    """The seed below another one."""
    return _mixed((int.from_bytes(seed, "little") ^ (number | level << 32)).to_bytes(SEED, "little"))


_OF_THREAD = threading.local()


def mixing() -> Callable[[bytes], bytes]:
    """AES under a key that is no secret: a permutation of blocks, one-way once its input is added (Matyas, Meyer and Oseas).

    Each thread has its own: the columns of a large file are typed in several, and a cipher that two use at once raises."""
    if not hasattr(_OF_THREAD, "encrypt"):
        from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

        public = hashlib.sha256(b"duizhang/pseudonym/tree").digest()[:SEED]
        _OF_THREAD.encrypt = Cipher(algorithms.AES(public), modes.ECB()).encryptor().update  # noqa: S305 - blocks are independent of each other
    encrypt: Callable[[bytes], bytes] = _OF_THREAD.encrypt
    return encrypt


def _mixed(blocks: bytes) -> bytes:
    size = len(blocks)
    return (int.from_bytes(mixing()(blocks), "little") ^ int.from_bytes(blocks, "little")).to_bytes(size, "little")


def _children(seed: bytes, level: int, count: int) -> list[bytes]:
    base = int.from_bytes(seed, "little")
    blocks = _mixed(b"".join((base ^ (number | level << 32)).to_bytes(SEED, "little") for number in range(count)))
    return [blocks[at:at + SEED] for at in range(0, len(blocks), SEED)]


@lru_cache(4)
def _first(root: bytes) -> bytes:
    return b"".join(_children(root, 0, FIRST))


def _shown(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _read(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
