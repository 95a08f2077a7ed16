"""A file that nobody has seen: one YAML file, proposed from it, is enough."""

from __future__ import annotations

import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
import yaml

from duizhang.errors import RefusedFile
from duizhang.ingest import Setting, SourceSpec, load_specs, sources_page
from duizhang.ingest.landing import extract
from duizhang.ingest.proposing import propose

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
    "fees_in_cents": (b"id,created,currency,amount_cents,fee_cents\nch_1,1772355600,jpy,1250,40\nch_2,1772365600,usd,900,30\n",
                      "settlements", {"JPY": "1210", "USD": "8.7"}, 0),
    "quoted": (b'"order_id","created_at","gross","fee","customer"\n"1","2026-03-01T10:00:00Z","10.00","0.50","Doe, Jane"\n"2","2026-03-01T11:00:00Z","10.00","0.50","z"\n',
               "settlements", {"CNY": "19"}, 0),
    "days_are_no_amounts": (
        b'"Konto";"Buchungstag";"Valutadatum";"Buchungstext";"Verwendungszweck";"Betrag";"Waehrung"\n"DE1";"05.03.26";"05.03.26";"LASTSCHRIFT 0123456789012 A";"Miete 03";"-500,00";"EUR"\n'
        b'"DE1";"06.03.26";"06.03.26";"GUTSCHRIFT 0123456789012 B";"Gehalt 03";"2500,00";"EUR"\n', "bank_entries", {"EUR": "2000"}, 0),
    "accents_before_letters_are_no_chinese": (
        "Buchungstag;Verwendungszweck;IBAN;Betrag;W\xe4hrung\n23.03.2026;Miete M\xe4rz B\xe4cker;DE01;-500,00;EUR\n27.03.2026;Gehalt J\xe4nner;DE01;2500,00;EUR\n".encode("cp1252"),
        "bank_entries", {"EUR": "2000"}, 0),
    "french": ("Date;Libell\xe9;D\xe9bit (EUR);Cr\xe9dit (EUR);Solde\n13/03/2026;Loyer;500,00;;500,00\n14/03/2026;Client;;700,00;1200,00\n".encode("cp1252"), "bank_entries", {"EUR": "200"}, 0),
    "italian": (b"Data;Causale;Importo (EUR);Saldo\n13/03/2026;Affitto;-500,00;500,00\n14/03/2026;Cliente;1.700,00;2.200,00\n", "bank_entries", {"EUR": "1200"}, 0),
    "spanish": (b"Fecha;Concepto;Cargo;Abono;Saldo;Divisa\n13/03/2026;Alquiler;500,00;;500,00;EUR\n14/03/2026;Cliente;;1.700,00;2.200,00;EUR\n", "bank_entries", {"EUR": "1200"}, 0),
    "dutch": (b"Datum;Omschrijving;Rekening;Af Bij;Bedrag (EUR);Saldo\n20260313;Huur;NL01;Af;500,00;500,00\n20260314;Klant;NL01;Bij;1700,00;2200,00\n", "bank_entries", {"EUR": "1200"}, 0),
    "portuguese": ("Data;Hist\xf3rico;Valor (R$);Saldo (R$)\n13/03/2026;Aluguel;-500,00;500,00\n14/03/2026;Cliente;1.700,00;2.200,00\n".encode("cp1252"), "bank_entries", {"BRL": "1200"}, 0),
    "polish": (b"Data operacji;Opis;Kwota;Saldo;Waluta\n2026-03-13;Czynsz;-500,00;500,00;PLN\n2026-03-14;Klient;1700,00;2200,00;PLN\n", "bank_entries", {"PLN": "1200"}, 0),
    "japanese": ("\u65e5\u4ed8,\u6458\u8981,\u304a\u5f15\u51fa\u3057\u91d1\u984d,\u304a\u9810\u5165\u308c\u91d1\u984d,\u6b8b\u9ad8,\u901a\u8ca8\n2026/3/13,\u5bb6\u8cc3,\"50,000\",,\"50,000\",JPY\n2026/3/14,\u58f2\u4e0a,,\"170,000\",\"220,000\",JPY\n".encode(),
                 "bank_entries", {"JPY": "120000"}, 0),
    "fee_and_state": (b"Date,Description,Amount,Fee,Currency,State,Balance\n2026-03-13,Shop,-10.00,0.00,EUR,COMPLETED,90.00\n2026-03-15,To USD,-50.00,0.50,EUR,COMPLETED,39.50\n"
                      b"2026-03-16,Shop,-5.00,0.00,EUR,PENDING,\n", "bank_entries", {"EUR": "-60.50"}, 0),
    "fee_within": (b"Date,Description,Amount,Fee,Currency,Balance\n2026-03-13,Shop,-10.00,0.00,EUR,90.00\n2026-03-15,To USD,-50.50,0.50,EUR,39.50\n", "bank_entries", {"EUR": "-60.50"}, 0),
}


@pytest.mark.parametrize("name", sorted(FILES))
def test_a_proposal_reads_the_file_as_it_is(tmp_path: Path, name: str) -> None:
    body, table, amounts, totals = FILES[name]
    path = tmp_path / "x.csv"
    path.write_bytes(body)
    spec = SourceSpec.model_validate(yaml.safe_load(propose(path, "mybank_statement").text))
    [found] = extract(path, {spec.name: spec}, Setting(), file="x.csv", into=Path(tempfile.mkdtemp(dir=tmp_path)))
    rows = found.table(table).to_pylist()
    pending = 1 if name == "fee_and_state" else 0
    assert (found.rows_parsed, found.rows_ignored, found.rows_quarantined) == (found.rows_read - pending, pending, 0), found.quarantine().to_pylist()
    assert {c: sum(r["amount"] for r in rows if r["currency"] == c) for c in {r["currency"] for r in rows}} == {
        currency: Decimal(amount) for currency, amount in amounts.items()}
    assert [t.ok for t in found.totals] == [True] * totals
    assert len({r["entry_id"] for r in rows}) == len(rows) or "entry_id" not in rows[0]
    assert {f"{r['period']:%Y-%m}" for r in rows} == {"2026-03"} and not {"Jane", "Doe"} & set(str(rows).replace("'", " ").split())


ORDER_LISTS: dict[str, tuple[bytes, list[tuple[str, str, str, str, str, str]]]] = {
    "chinese": ("订单号,店铺,下单时间,商品编码,数量,应收金额,订单状态,买家昵称\nA1,淘宝,2026-03-01 10:00:00,HAT,2,25.00,已发货,小红\n"
                "A1,淘宝,2026-03-01 10:00:00,MUG,1,12.50,已发货,小红\nA2,独立站,2026-03-02 11:00:00,MUG,1,12.50,已取消,小明\n".encode("gb18030"),
                [("淘宝", "A1", "HAT", "2", "25", "shipped"), ("淘宝", "A1", "MUG", "1", "12.5", "shipped"),
                 ("独立站", "A2", "MUG", "1", "12.5", "closed")]),
    "price_times_quantity": (b"Order No;Created;SKU;Qty;Unit price;Currency\n1001;2026-03-01T10:00:00Z;MUG;3;5.00;EUR\n"
                             b"1002;2026-03-01T11:00:00Z;MUG;1;5.00;EUR\n",
                             [("", "1001", "1", "3", "15", "paid"), ("", "1002", "1", "1", "5", "paid")]),
    # of the columns of money the one of the whole order counts, not the first; the goods are the item's, not the way of payment
    "many_amounts": (b'"Order Number","Order Status","Order Date","First Name (Billing)","Phone (Billing)","Payment Method Title","Cart Discount Amount",'
                     b'"Order Subtotal Amount","Order Shipping Amount","Order Refund Amount","Order Total Amount","Order Total Tax Amount","SKU",'
                     b'"Item #","Item Name","Quantity (- Refund)","Item Cost"\n'
                     b'"5001","Completed","2026-03-01 09:12","Jane","+4915","PayPal","0","40.00","4.90","0","44.90","7.17","MUG","1","Mug","2","20.00"\n'
                     b'"5002","Refunded","2026-03-02 09:12","Doe","+4916","PayPal","5.00","20.00","4.90","0","19.90","3.18","TEE","1","Tee","1","20.00"\n',
                     [("", "5001", "1", "2", "44.9", "completed"), ("", "5002", "1", "1", "19.9", "paid")]),
    # the number by which platform and provider know the order, not the own one beside it, and no state; who has not paid yet is no bad row, a line of
    # shipping without goods neither
    "own_number_beside_the_platforms": (
        "系统单号,店铺名称,原始单号,商家编码,货品名称,数量,应收金额,订单状态,下单时间,付款时间\nJY1,淘宝,3302701,HAT,帽,2,25.00,已发货,2026-03-01 10:00:00,2026-03-01 10:01:00\n"
        "JY1,淘宝,3302701,MUG,杯,1,12.50,已发货,2026-03-01 10:00:00,2026-03-01 10:01:00\nJY2,淘宝,3302702,MUG,杯,1,12.50,已付款,2026-03-02 11:00:00,2026-03-02 11:01:00\n"
        "JY2,淘宝,3302702,,邮费,0,6.00,已付款,2026-03-02 11:00:00,2026-03-02 11:01:00\n".encode(),
        [("淘宝", "3302701", "HAT", "2", "25", "shipped"), ("淘宝", "3302701", "MUG", "1", "12.5", "shipped"),
         ("淘宝", "3302702", "MUG", "1", "12.5", "paid"), ("淘宝", "3302702", "other", "0", "6", "paid")]),
    # an amount of the order that stands on each of its lines counts once: the lines are pieces times their price
    "order_total_on_every_line": (b"Order ID,Created at,SKU,Qty,Item cost,Order total,Tax\n7001,2026-03-01 10:00:00,MUG,2,5.00,25.00,1.00\n"
                                  b"7001,2026-03-01 10:00:00,HAT,1,15.00,25.00,1.00\n7002,2026-03-02 10:00:00,HAT,1,15.00,15.00,0.50\n",
                                  [("", "7001", "MUG", "2", "10", "paid"), ("", "7001", "HAT", "1", "15", "paid"),
                                   ("", "7002", "HAT", "1", "15", "paid")]),
}


@pytest.mark.parametrize("name", sorted(ORDER_LISTS))
def test_a_list_of_orders_is_proposed_as_orders_of_the_company(tmp_path: Path, name: str) -> None:
    body, expected = ORDER_LISTS[name]
    path = tmp_path / "x.csv"
    path.write_bytes(body)
    text = propose(path, "mine_orders").text
    spec = SourceSpec.model_validate(yaml.safe_load(text))
    assert "paid_at" not in spec.fields or not spec.fields["paid_at"].required
    assert name != "own_number_beside_the_platforms" or "know the order; others: 系统单号" in text
    [found] = extract(path, {spec.name: spec}, Setting(), file="x.csv", into=Path(tempfile.mkdtemp(dir=tmp_path)))
    rows = found.table("orders").to_pylist()
    assert [(r["shop"] or "", r["order_id"], r["line_id"], f"{r['quantity'].normalize():f}", f"{r['amount'].normalize():f}", r["status"])
            for r in rows] == expected
    assert {r["origin"] for r in rows} == {"books"} and found.rows_quarantined == 0


def test_a_proposal_reads_no_name_of_a_person_and_says_what_it_does_not_read(tmp_path: Path) -> None:
    """Fails if a text that no table needs is read because nobody knew that it names a person."""
    path = tmp_path / "x.csv"
    path.write_bytes(ORDER_LISTS["many_amounts"][0])
    text = propose(path, "mine_orders").text
    spec = SourceSpec.model_validate(yaml.safe_load(text))
    read = {field.column for field in spec.fields.values() if not field.personal}
    assert not read & {"First Name (Billing)", "Phone (Billing)", "Payment Method Title"} and spec.fields["product"].column == "Item Name"
    assert "# Not read, since no table needs it: Phone (Billing), Payment Method Title" in text and "other columns of money: Cart Discount Amount" in text
    assert "words that were not known are taken for paid: Refunded" in text


def test_an_amount_that_stands_on_every_line_of_an_order_is_nobodys_guess(tmp_path: Path) -> None:
    """Fails if the total of an order is proposed as the amount of each of its lines, which would count it again with every line."""
    path = tmp_path / "x.csv"
    path.write_bytes(b"Order ID,Created at,SKU,Qty,Order total\n7001,2026-03-01 10:00:00,MUG,2,25.00\n7001,2026-03-01 10:00:00,HAT,1,25.00\n"
                     b"7002,2026-03-02 10:00:00,HAT,1,15.00\n")
    text = propose(path, "mine_orders").text
    assert "tables" not in yaml.safe_load(text) and "25.00 stands on each of the 2 lines of order 7001" in text


def test_the_header_of_a_file_that_nobody_knows_is_named_in_its_own_letters(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("甲方单据,乙方,丙\nA1,淘宝,1\n".encode("gb18030"))
    with pytest.raises(RefusedFile, match="its header seems to be 甲方单据, 乙方, 丙"):
        extract(path, load_specs(), Setting(), file="x.csv", into=tmp_path)


def test_words_in_a_row_are_never_its_id(tmp_path: Path) -> None:
    """Fails if a text that happens to differ in every row is proposed as the id: the next month's file would not differ, and rows would be lost."""
    path = tmp_path / "x.csv"
    path.write_bytes(FILES["days_are_no_amounts"][0])
    spec = SourceSpec.model_validate(yaml.safe_load(propose(path, "mybank_statement").text))
    assert spec.tables[0].columns["entry_id"] == "concat_ws('/', occurred_at_day, line)" and spec.fields["amount"].column == "Betrag"


def test_the_encoding_is_the_one_that_inspect_finds(tmp_path: Path) -> None:
    """Fails if a proposal names its columns in Chinese characters that are German letters."""
    path = tmp_path / "x.csv"
    path.write_bytes(FILES["accents_before_letters_are_no_chinese"][0])
    assert "Währung" in propose(path, "mybank_statement").text


def test_a_personal_field_is_text() -> None:
    with pytest.raises(ValueError, match="type is id or text"):
        SourceSpec.model_validate({"name": "a_b", "title": "", "recognise": {}, "fields": {"x": {"column": "x", "type": "number", "personal": True}}})


def test_the_page_of_sources_is_true() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
    assert page == sources_page(load_specs()), "renew it: duizhang source page > docs/sources.md"
