"""Regexes on columns give what Arrow's kernels give cell by cell, whatever short cut is taken."""

from __future__ import annotations

import re

import pyarrow as pa
import pyarrow.compute as pc
from hypothesis import given, settings
from hypothesis import strategies as st

from duizhang.ingest import load_specs
from duizhang.ingest.typing.patterns import _slow_group, first_group, needed, without

FIELDS = [field for spec in load_specs().values() for field in spec.fields.values()]
EXTRACT = sorted({f.extract for f in FIELDS if f.extract} | {"a([1-4])b", "([+-9]+)", r"(\w)1", "(ab|微信|ab1)", "x(0?)", r"(a)?\d", r"a(\d)?", r"(TX\w*)"})
STRIP = sorted({f.strip for f in FIELDS if f.strip} | {"0", "a", r"\d$", r"\s+", r"b?\d*$", "[a-zN]+", "(T|P)[0-9]+$", r"\((b|财)\)", "[(b](T|P)"})
WORDS = st.text("0123456789" * 2 + "abT200P/微信支付财|'#- \nN.XZ", max_size=9) | st.sampled_from(
    ["微信", "微信支付", "支付宝", "T200P123", "567800001'", "TX12XT", "Order #12", "PST 1", "月"])


@st.composite
def columns(draw: st.DrawFn) -> list[str]:
    """Cells of any kind, or cells that differ in their digits alone, or many of few shapes."""
    count = draw(st.integers(1, 4))
    if draw(st.integers(0, 3)) == 0:
        some = [draw(WORDS) + draw(WORDS) for _ in range(count)]
        return [re.sub(r"\d", str(n), some[n % count]) for n in range(count * 5 + 1)]
    if draw(st.booleans()):
        return [draw(WORDS) + draw(WORDS) for _ in range(count)]
    base = draw(WORDS)
    digit = st.sampled_from("0129")
    return [re.sub(r"\d", lambda _: draw(digit), base) if draw(st.integers(0, 4)) else "" for _ in range(count)]


@settings(deadline=None, max_examples=500)
@given(columns(), st.sampled_from(EXTRACT), st.sampled_from(STRIP), st.integers(0, 1))
def test_groups_and_what_is_left_out(cells: list[str], extract: str, strip: str, sliced: int) -> None:
    texts = pa.array(["é微信"] * sliced + cells, pa.string()).slice(sliced)
    group, left = first_group(texts, extract).rows(), without(texts, strip)
    group.validate(full=True)
    left.validate(full=True)
    assert group.to_pylist() == _slow_group(texts, extract).to_pylist()
    assert left.to_pylist() == pc.replace_substring_regex(texts, strip, "").to_pylist()


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text("abc微", max_size=4), max_size=4), st.lists(st.text("abc微", min_size=1, max_size=3), min_size=4, max_size=5, unique=True))
def test_replacements_are_left_out_only_where_they_have_nothing_to_do(cells: list[str], old: list[str]) -> None:
    replacements = dict.fromkeys(old, "x")
    there = any(text in cell for cell in cells for text in old)
    assert bool(needed(replacements, pa.array(cells, pa.string()))) == there
