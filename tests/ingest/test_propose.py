"""A file that nobody has seen: one YAML file, proposed from it, is enough."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from duizhang.ingest import Setting, SourceSpec, extract, load_specs, propose, sources_page

FILES: dict[str, tuple[bytes, str, dict[str, str], int]] = {
    # body, table, amounts by currency, totals that are found and tie
    "preamble_and_decimal_commas": (
        "My Bank;Statement\nIBAN;DE00\nBooking date;Amount;Payer;Details;Saldo\n01.03.2026;1.234,50;Jane Doe;/PAYOUT/P1;2.000,00\n"
        "02.03.2026;-3,00;Jane Doe;f\xe9e;1.997,00\nTotal;1.231,50;;;\n".encode("cp1252"), "bank_entries", {"CNY": "1231.5"}, 1),
    "sides": (b"Posting Date|Narrative|D/C|Value|Currency|Ref\n2026-03-01|Card|D|12.00|GBP|R1\n2026-03-02|In|C|112.00|GBP|R2\n",
              "bank_entries", {"GBP": "100"}, 0),
    "two_columns": (b"Date,Details,Money Out,Money In,Balance\n01/03/2026,Shop,12.00,,88.00\n02/03/2026,Pay,,100.00,188.00\n13/03/2026,Shop,8.00,,180.00\n",
                    "bank_entries", {"CNY": "80"}, 0),
    "chinese": ("平台结算单\n账期：2026-03\n订单编号,结算时间,收支类型,金额（元）,手续费（元）,买家昵称\n=\"1001\",2026/3/1 10:00,收入,12.50,-0.30,Jane Doe\n"
                "=\"1002\",2026/3/2 10:00,支出,5.00,-0.10,小红\n合计,,,,-0.40,\n".encode("gb18030"), "settlements", {"CNY": "7.1"}, 1),
    "brackets": (b"Report\tPayouts\n\nPayout ID\tDate\tGross\tFees\tNet\nP1\tMar 1, 2026\t$1,234.50\t($12.30)\t$1,222.20\n"
                 b"P2\tMar 2, 2026\t$100.00\t($1.00)\t$99.00\nTotals\t\t$1,334.50\t($13.30)\t$1,321.20\n", "settlements", {"CNY": "1321.2"}, 3),
    "cents_and_epoch": (b"id,created,amount_cents,currency,email\nch_1,1772355600,1250,jpy,Jane@Doe\nch_2,1772365600,900,usd,b@b.c\n",
                        "settlements", {"JPY": "1250", "USD": "9"}, 0),
    "quoted": (b'"order_id","created_at","gross","fee","customer"\n"1","2026-03-01T10:00:00Z","10.00","0.50","Doe, Jane"\n"2","2026-03-01T11:00:00Z","10.00","0.50","z"\n',
               "settlements", {"CNY": "19"}, 0),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_proposal_reads_the_file_as_it_is(tmp_path: Path, name: str) -> None:
    body, table, amounts, totals = FILES[name]
    path = tmp_path / "x.csv"
    path.write_bytes(body)
    spec = SourceSpec.model_validate(yaml.safe_load(propose(path, "mybank_statement").text))
    [found] = extract(path, {spec.name: spec}, Setting(), file="x.csv", into=Path(tempfile.mkdtemp(dir=tmp_path)))
    rows = found.table(table).to_pylist()
    assert (found.rows_parsed, found.rows_quarantined) == (found.rows_read, 0), found.quarantine().to_pylist()
    assert {c: sum(r["amount"] for r in rows if r["currency"] == c) for c in {r["currency"] for r in rows}} == {
        currency: Decimal(amount) for currency, amount in amounts.items()}
    assert [t.ok for t in found.totals] == [True] * totals
    assert {f"{r['period']:%Y-%m}" for r in rows} == {"2026-03"} and not {"Jane", "Doe"} & set(str(rows).replace("'", " ").split())


def test_a_personal_field_is_text() -> None:
    with pytest.raises(ValueError, match="type is id or text"):
        SourceSpec.model_validate({"name": "a_b", "title": "", "recognise": {}, "fields": {"x": {"column": "x", "type": "number", "personal": True}}})


def test_the_page_of_sources_is_true() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
    assert page == sources_page(load_specs()), "renew it: duizhang source page > docs/sources.md"
