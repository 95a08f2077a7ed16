"""The event log as a Merkle tree (RFC 6962): one hash stands for all events, and short proofs tie an event, or an earlier state of the
log, to it. Hashes are SHA-256; a leaf is hashed with a 0x00 before it, a node with 0x01, so that neither can pass for the other.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

EMPTY = hashlib.sha256(b"").digest()


def leaf_hash(record: bytes) -> bytes:
    """The hash of one record."""
    return hashlib.sha256(b"\x00" + record).digest()


def _node(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\x01" + left + right).digest()


def root_of(leaves: Sequence[bytes]) -> bytes:
    """The root over leaf hashes, in order; that of an empty tree is the hash of nothing."""
    if not leaves:
        return EMPTY
    level = list(leaves)
    # pairs from the left, an odd last one carried up as it is: the same tree as splitting at the largest power of two
    while len(level) > 1:
        pairs = [_node(level[n], level[n + 1]) for n in range(0, len(level) - 1, 2)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0]


def inclusion_proof(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """The hashes beside the way from leaf `index` to the root. IndexError where there is no such leaf."""
    if not 0 <= index < len(leaves):
        raise IndexError(f"no leaf {index} among {len(leaves)}")
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(leaves[:split], index), root_of(leaves[split:])]
    return [*inclusion_proof(leaves[split:], index - split), root_of(leaves[:split])]


def includes(root: bytes, size: int, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether a proof ties a leaf hash at `index` to the root of a tree of `size` leaves."""
    if not 0 <= index < size:
        return False
    at, last, found = index, size - 1, leaf
    for step in proof:
        if last == 0:
            return False
        if at % 2 or at == last:
            found = _node(step, found)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            found = _node(found, step)
        at, last = at >> 1, last >> 1
    return last == 0 and found == root


def consistency_proof(leaves: Sequence[bytes], earlier: int) -> list[bytes]:
    """The hashes that show that the first `earlier` leaves are still what they were. ValueError where there never were so many."""
    if not 0 < earlier <= len(leaves):
        raise ValueError(f"no tree of {earlier} leaves among {len(leaves)}")
    return _consistency(leaves, earlier, whole=True)


def _consistency(leaves: Sequence[bytes], earlier: int, *, whole: bool) -> list[bytes]:
    if earlier == len(leaves):
        return [] if whole else [root_of(leaves)]
    split = _split(len(leaves))
    if earlier <= split:
        return [*_consistency(leaves[:split], earlier, whole=whole), root_of(leaves[split:])]
    return [*_consistency(leaves[split:], earlier - split, whole=False), root_of(leaves[:split])]


def continues(earlier_root: bytes, earlier: int, root: bytes, size: int, proof: Sequence[bytes]) -> bool:
    """Whether a proof shows that the tree of `size` leaves begins with the one of `earlier` leaves."""
    if not 0 < earlier <= size:
        return False
    if earlier == size:
        return not proof and earlier_root == root
    steps = list(proof)
    if earlier & (earlier - 1) == 0:
        steps.insert(0, earlier_root)
    if not steps:
        return False
    at, last = earlier - 1, size - 1
    while at % 2:
        at, last = at >> 1, last >> 1
    old = new = steps[0]
    for step in steps[1:]:
        if last == 0:
            return False
        if at % 2 or at == last:
            old, new = _node(step, old), _node(step, new)
            while at % 2 == 0 and at:
                at, last = at >> 1, last >> 1
        else:
            new = _node(new, step)
        at, last = at >> 1, last >> 1
    return last == 0 and old == earlier_root and new == root


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
