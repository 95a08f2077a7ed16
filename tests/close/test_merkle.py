"""The Merkle tree of the log: the known answers of RFC 6962's test vectors, and what a proof must not say."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from duizhang.close.merkle import EMPTY, consistency_proof, continues, includes, inclusion_proof, leaf_hash, root_of

# the inputs and roots that Certificate Transparency's own tests use
INPUTS = ["", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"]
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
LEAVES = [leaf_hash(bytes.fromhex(text)) for text in INPUTS]


def test_roots_are_those_of_certificate_transparency() -> None:
    assert [root_of(LEAVES[:n]).hex() for n in range(1, 9)] == ROOTS
    assert root_of([]) == EMPTY == hashlib.sha256(b"").digest()


@settings(max_examples=60)
@given(st.integers(1, 70), st.data())
def test_every_event_and_every_earlier_log_has_a_proof_that_holds_for_nothing_else(size: int, data: st.DataObject) -> None:
    leaves = [leaf_hash(str(n).encode()) for n in range(size)]
    root = root_of(leaves)
    index = data.draw(st.integers(0, size - 1))
    proof = inclusion_proof(leaves, index)
    assert includes(root, size, index, leaves[index], proof)
    assert not includes(root, size, index, leaf_hash(b"another"), proof)
    assert not includes(root, size, index, leaves[index], [*proof, root])
    earlier = data.draw(st.integers(1, size))
    steps = consistency_proof(leaves, earlier)
    assert continues(root_of(leaves[:earlier]), earlier, root, size, steps)
    changed = [leaf_hash(b"rewritten"), *leaves[1:]]
    assert not continues(root_of(changed[:earlier]), earlier, root, size, steps)
    assert not continues(root_of(leaves[:earlier]), earlier, root_of(changed), size, consistency_proof(changed, earlier))


def test_what_never_was_has_no_proof() -> None:
    with pytest.raises(IndexError):
        inclusion_proof(LEAVES, 8)
    with pytest.raises(ValueError, match="no tree of 9"):
        consistency_proof(LEAVES, 9)
    assert not includes(root_of(LEAVES), 8, 8, LEAVES[0], []) and not continues(LEAVES[0], 0, root_of(LEAVES), 8, [])
