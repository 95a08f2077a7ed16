"""Metrics are those of the home: its days, what is open, its files."""

from __future__ import annotations

from typing import Any

import pytest

from duizhang.ingest import FileRecord
from duizhang.ingest.files import remember
from tests.close.conftest import fake, public

__all__ = ["fake", "public"]


def test_metrics_say_what_the_home_says(fake: Any) -> None:
    parser = pytest.importorskip("prometheus_client.parser", reason="prometheus-client is not installed")
    from duizhang.home.published import open_published
    from duizhang.standing.watching import exposition

    remember(fake.state, {"a": FileRecord("a", "1" * 64, 1, 1, "read", "bank_mt940", "", "", {"days": ["2026-03-01", "2026-03-02"]}),
                          "b": FileRecord("b", "2" * 64, 1, 1, "refused", "", "", "", {"problem": "no bill"})})
    found = {(s.name, *(s.labels[name] for name in sorted(s.labels))): s.value
             for family in parser.text_string_to_metric_families(exposition(fake.home)) for s in family.samples}
    with open_published(fake.home) as con:
        for state, days in con.execute("select state, count(*) from period_status group by all").fetchall():
            assert found["duizhang_days", state] == days
        newest = con.execute("select max(period) from open_items").fetchone()
        con_items = con.execute("select leg, currency, count(*) from open_items where period = ? group by all", newest).fetchall()
    assert con_items and {(currency, leg): items for leg, currency, items in con_items} == {
        labels[1:]: value for labels, value in found.items() if labels[0] == "duizhang_open_items"}
    assert found["duizhang_files", "refused"] == 1
    assert found["duizhang_source_newest_day_timestamp_seconds", "", "bank_mt940"] == 1772409600
    assert found["duizhang_last_publication_timestamp_seconds",] > 0
