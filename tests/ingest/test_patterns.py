"""The regexes of specifications find what Python's own find."""

from __future__ import annotations

import re

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from duizhang.ingest import load_specs
from duizhang.ingest.specification import Column, SourceSpec
from duizhang.ingest.specification.spec import Recognise
from duizhang.ingest.texts import applied
from duizhang.ingest.typing.field_texts import steps

SPEC = SourceSpec(name="any_thing", title="any", recognise=Recognise())
FIELDS = [field for spec in load_specs().values() for field in spec.fields.values()]
EXTRACT = sorted({f.extract for f in FIELDS if f.extract})
STRIP = sorted({f.strip for f in FIELDS if f.strip})
WORDS = st.text("0123456789" * 2 + "abT200P/微信支付财|'#- \nN.XZ", max_size=9) | st.sampled_from(
    ["微信", "微信支付", "支付宝", "T200P123", "567800001'", "TX12XT", "Order #12", "PST 1", "月", "/PAYOUT/x_1"])


@settings(deadline=None, max_examples=200)
@given(st.lists(st.tuples(WORDS, WORDS).map("".join), min_size=1, max_size=4), st.sampled_from(EXTRACT), st.sampled_from(STRIP))
def test_groups_and_what_is_left_out(cells: list[str], extract: str, strip: str) -> None:
    texts = pl.Series("x", cells)
    found, left = (steps(Column(column="x", **{step: regex}), SPEC, {}) for step, regex in (("extract", extract), ("strip", strip)))
    assert found is not None and left is not None
    # Python's $ also stands before a line break at the end; the one of a currency stands among others
    extract, strip = (re.sub(r"(?<!\\)\$(?=$|[|)])", r"\\Z", regex) for regex in (extract, strip))
    assert applied(found, texts).to_list() == [(m.group(1) or "") if (m := re.search(extract, cell)) else "" for cell in cells]
    assert applied(left, texts).to_list() == [re.sub(strip, "", cell) for cell in cells]
