"""Pseudonyms of a whole column: AES-256-CMAC (NIST SP 800-38B, RFC 4493) of every cell, and the way through the key's tree.

The chain of a cell is as long as the cell, but the n-th blocks of all cells are independent of each other: they are encrypted by
one call, which the processor's AES instructions make as quick as copying. `duizhang.secrecy.pseudonym_key` gives the same, one by one.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np
import pyarrow as pa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from duizhang.ingest.texts import text_bytes
from duizhang.secrecy.pseudonym_key import (
    FIRST,
    PSEUDONYM_BYTES,
    SEED,
    STEPS,
    TOKEN,
    TOKEN_BYTES,
    PersonKey,
    mac_key,
    mixing,
    person_key,
    pseudonym,
)

_BLOCK = 16  # bytes
_LONG = 64  # blocks: of longer cells each is worked on alone
_WORD = np.dtype("<u8")
_AT_ONCE = 8192  # cells: what is made of them on the way stays near the processor
_CELL = np.dtype([("p", "u1"), ("digits", "V20")])


def pseudonyms(texts: pa.Array, key: bytes) -> pa.Array:
    """The pseudonym of every text (no nulls), '' for ''."""
    data, ends = text_bytes(texts)
    starts, lengths = ends[:-1].astype(np.int64), np.diff(ends).astype(np.int64)
    filled = lengths > 0
    persons = person_key(key)
    mac = key if persons is None else persons.mac
    tags = _tags(data, starts, lengths, mac) if filled.all() else _tags(data, starts[filled], lengths[filled], mac)
    if persons is not None:
        tags = _through(persons, tags)
    cells = np.empty(len(tags), _CELL)
    cells["p"] = ord("p")
    cells["digits"] = _hex()[tags.view("<u2")[:, : PSEUDONYM_BYTES // 2]].view(_CELL["digits"])[:, 0]
    bounds = np.zeros(len(texts) + 1, np.int32)
    np.cumsum(filled * np.int32(_CELL.itemsize), out=bounds[1:])
    found = pa.Array.from_buffers(pa.string(), len(texts), [None, pa.py_buffer(bounds), pa.py_buffer(cells.view(np.uint8))])
    alone = lengths > _LONG * _BLOCK
    if persons is not None:
        tokens = np.flatnonzero(lengths == TOKEN_BYTES)  # what stands in the place of who was erased
        alone[[n for n in tokens if data[starts[n]:starts[n] + len(TOKEN)].tobytes() == TOKEN]] = True
    if not alone.any():
        return found
    return pa.array([pseudonym(key, texts[n].as_py()) if one else found[n].as_py() for n, one in enumerate(alone.tolist())])


@cache
def _hex() -> np.ndarray:
    """Two bytes -> their digits."""
    return np.array([f"{n & 255:02x}{n >> 8:02x}".encode() for n in range(1 << 16)], "S4").view("<u4")


def _tags(data: np.ndarray, starts: np.ndarray, lengths: np.ndarray, key: bytes) -> np.ndarray:
    """The MAC (two words a row) of cells that lie in `data`; none is empty. Those of cells that are too long are wrong."""
    encrypt = Cipher(algorithms.AES(mac_key(key)), modes.ECB()).encryptor().update  # noqa: S305 - the chain is made here
    words = np.ndarray((len(data) + _BLOCK - 7,), _WORD, np.append(data, np.zeros(_BLOCK, np.uint8)), 0, (1,))  # eight bytes from each on
    before = np.minimum((lengths - 1) >> 4, _LONG)  # blocks before the last one
    state = np.zeros((len(starts), 2), _WORD)
    for number in range(int(before.max(initial=0))):
        longer = before > number
        rows = slice(None) if longer.all() else np.flatnonzero(longer)
        at = starts[rows] + number * _BLOCK
        block = state[rows]
        block[:, 0] ^= words[at]
        block[:, 1] ^= words[at + 8]
        state[rows] = _encrypted(encrypt, block)
    at = starts + (before << 4)
    left = np.minimum(lengths - (before << 4), _BLOCK)
    kept, added = _last(encrypt)
    for half in (0, 1):
        state[:, half] ^= (words[at + 8 * half] & kept[half][left]) ^ added[half][left]
    return _encrypted(encrypt, state)


def _through(key: PersonKey, tags: np.ndarray) -> np.ndarray:
    """What the first tree of a key makes of MACs, and where it has holes what the others do."""
    tree, found = key.trees[0], np.empty_like(tags)
    first = np.frombuffer(tree.children(b"") or b"", _WORD).reshape(FIRST, 2)
    others: dict[bytes, np.ndarray] = {}
    for start in range(0, len(tags), _AT_ONCE):
        some = tags[start:start + _AT_ONCE]
        seeds = first.take(some.view("<u2")[:, 0], axis=0)
        hole = () if tree.root else np.flatnonzero(~seeds.any(axis=1))
        for level, step in enumerate(STEPS, 1):
            seeds[:, 0] ^= some.view(np.uint8)[:, step] | _WORD.type(level << 32)
            _mix(seeds)
        seeds ^= some
        _mix(seeds)
        for row in hole:
            mac = some[row].tobytes()
            if mac not in others:
                others[mac] = np.frombuffer(bytes.fromhex(key.pseudonym_of(mac)[1:]).ljust(SEED, b"\0"), _WORD)
            seeds[row] = others[mac]
        found[start:start + _AT_ONCE] = seeds
    return found


def _mix(blocks: np.ndarray) -> None:
    blocks ^= _encrypted(mixing(), blocks)


def _encrypted(encrypt: Callable[[bytes], bytes], blocks: np.ndarray) -> np.ndarray:
    return np.frombuffer(encrypt(blocks.tobytes()), _WORD).reshape(-1, 2)


def _last(encrypt: Callable[[bytes], bytes]) -> tuple[np.ndarray, np.ndarray]:
    """(which bytes are kept, what is added) of the two words of a last block, by how many bytes of it there are."""
    whole = _double(encrypt(bytes(_BLOCK)))
    ends = [bytes(n) + b"\x80" + bytes(_BLOCK - 1 - n) for n in range(_BLOCK)] + [bytes(_BLOCK)]
    subkeys = [_double(whole)] * _BLOCK + [whole]
    added = b"".join(bytes(a ^ b for a, b in zip(end, subkey, strict=True)) for end, subkey in zip(ends, subkeys, strict=True))
    kept = b"".join(b"\xff" * n + bytes(_BLOCK - n) for n in range(_BLOCK + 1))
    return tuple(np.ascontiguousarray(np.frombuffer(table, _WORD).reshape(-1, 2).T) for table in (kept, added))  # type: ignore[return-value]


def _double(block: bytes) -> bytes:
    """Twice a block, as a polynomial over GF(2) modulo x^128 + x^7 + x^2 + x + 1."""
    number = int.from_bytes(block, "big") << 1
    return ((number ^ 0x87) & ((1 << 128) - 1) if number >> 128 else number).to_bytes(_BLOCK, "big")
