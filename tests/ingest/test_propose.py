"""A file that nobody has seen: one YAML file, proposed from it, is enough."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import yaml

from duizhang.ingest import Setting, SourceSpec, extract, load_specs, propose, sources_page

STRANGE = (
    "My Bank;Statement\nIBAN;DE00\n"
    "Booking date;Amount;Payer;Details\n"
    "01.03.2026;1.234,50;Jane Doe;/PAYOUT/P1\n"
    "02.03.2026;-3,00;Jane Doe;fee\n"
    "Total;1.231,50;;\n"
)


def test_a_proposal_is_a_specification_that_reads_the_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes(STRANGE.encode("cp1252"))
    draft = yaml.safe_load(propose(path, "mybank_statement").text)
    assert draft["delimiter"] == ";" and draft["recognise"]["header"] == ["Booking date", "Amount", "Payer", "Details"]
    assert draft["fields"]["f3"]["personal"] is True
    draft |= {
        "footer": "^Total", "decimal": ",",
        "fields": {
            "occurred_at": {"column": "Booking date", "type": "time", "formats": ["%d.%m.%Y"], "required": True},
            "amount": {"column": "Amount", "type": "money", "required": True},
            "counterparty": {"column": "Payer", "personal": True},
        },
        "tables": [{"table": "bank_entries", "columns": {"amount": "amount", "counterparty": "counterparty"}}],
        "totals": [{"name": "total", "footer": "^Total;([^;]*)", "computed": "sum(amount)"}],
    }
    spec = SourceSpec.model_validate(draft)
    [found] = extract(path, {spec.name: spec}, Setting(), file="x.csv", into=Path(tempfile.mkdtemp(dir=tmp_path)))
    rows = found.table("bank_entries").to_pylist()
    assert [row["amount"] for row in rows] == [Decimal("1234.5"), Decimal(-3)]
    assert all(t.ok for t in found.totals) and len(found.totals) == 1
    assert "Jane" not in str(rows)


def test_the_page_of_sources_is_true() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
    assert page == sources_page(load_specs()), "renew it: duizhang source page > docs/sources.md"
