"""Layouts as they drift: banks without a header, files saved again by something that quotes, columns gone or renamed.

Every file must give its source, its amounts by currency, and totals that tie.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract
from tests.ingest.test_mt940 import DIALECTS
from tests.ingest.test_wechat import ALL, FUND


def _quoted(bill: bytes) -> bytes:
    """A WeChat bill saved again: every row quoted, back-ticks before every name as well."""
    lines = []
    for line in bill.decode().rstrip("\r\n").split("\r\n"):
        if line.startswith("`20"):
            lines.append('"' + '","`'.join(line.split(",`")) + '"')
        else:
            lines.append("`" + line.removeprefix("\ufeff").removeprefix("`").replace(",`", ",").replace(",", ",`"))
    return "\n".join(lines).encode()


ALIPAY_HEAD = "支付宝交易号,商户订单号,业务类型,完成时间,对方账户,商家实收（元）,商家优惠（元）,退款批次号/请求号,服务费（元）"
SHOPIFY_OLD = (
    b"Transaction Date,Type,Order,Card Brand,Card Source,Payout Status,Payout Date,Available On,Amount,Fee,Net,Checkout\n"
    b"2026/6/12,charge,#1001,visa,online,paid,2026/6/15,2026/6/15,$21.83,$0.93,$20.90,#68\n"
)
# body, source, amounts of its first table by currency, rows ignored
CASES: dict[str, tuple[bytes, str, dict[str, str], int]] = {
    "hsbc_hk_account": (
        b'Date,Description,Billing amount,Billing currency,Balance,Balance currency\n24/03/2026,SHOP  22MAR,"-1,001.00"\t,HKD,"3,612.17"\t,HKD\n'
        b'12/03/2026,SALARY JOHN SMITH,"12500.00"\t,CNY,"12500.00"\t,CNY ', "bank_hsbc_hk", {"HKD": "-1001", "CNY": "12500"}, 0),
    "hsbc_hk_card": (
        b"Transaction date,Post date,Description,Billing amount,Billing currency,Transaction status,Merchant name,Country / region,Area / district,Credit / Debit\n"
        b'09/04/2026,10/04/2026,QR       UNIONPAY,"-1,099.14"\t,CNY,POSTED,UNIONPAY,CHINA,CHN,DEBIT\n24/03/2026,24/03/2026,THANK YOU,"3,266.16"\t,CNY,POSTED,,,,CREDIT\n'
        b'11/04/2026,,QR,"-5.00"\t,CNY,PENDING,X,CHINA,CHN,DEBIT\n', "bank_hsbc_hk", {"CNY": "2167.02"}, 0),
    "bmo_account": (
        b"Following data is valid as of 20260310344234 (Year/Month/Day/Hour/Minute/Second)\n\n\nFirst Bank Card,Transaction Type,Date Posted, Transaction Amount,Description\n\n\n"
        b"'5678000000004124',CREDIT,20260301,0.01,[DN]ACFS     \n'5678000000004124',DEBIT,20260318,-68.32,[CW]TELUS   \n", "bank_bmo", {"CAD": "-68.31"}, 0),
    "bmo_card": (
        b"Following data is valid as of 20260304:\n\nItem #,Card #,Transaction Date,Posting Date,Transaction Amount,Description\n"
        b"1,'5191000000004561',20260311,20260312,3.27,COSTCO\n2,'5191000000004561',20260311,20260312,-1.0,PAYMENT", "bank_bmo", {"CAD": "-2.27"}, 0),
    "td": (b"03/01/2026,DOLLARAMA # 845   _M,1.96,,318.16\n03/01/2026,T T SUPER   _M,12.10,,320.12\n02/27/2026,DEVELOPM MSP,,332.22,332.22\n\n",
           "bank_td", {"CAD": "318.16"}, 0),
    "jd_personal": (
        "\ufeff导出信息：\n京东账号名：jd_1\n日期区间：2026-03-01 至 2026-03-31\n共：4笔记录\n收入：0笔，0.00元\n支出：2笔(含1笔部分退款)，52.13元\n"
        "不计收支：2笔，89.84元\n\n交易时间,商户名称,交易说明,金额,收/付款方式,交易状态,收/支,交易分类,交易订单号,商家订单号,备注\n"
        "2026-03-30 17:16:02\t,京东物流,外部商户,10.20,钱包余额,交易成功,支出,快递,JDX1\t,9\t, \n"
        "2026-03-28 13:28:32\t,京东平台商户,退款-衣,89.84,卡,退款成功,不计收支,网购,1000\t,9\t, \n"
        "2026-03-28 13:27:56\t,京东平台商户,衣,131.77(已退款89.84),卡,交易成功,支出,网购,1000\t,9\t, \n"
        "2026-03-27 13:27:56\t,京东平台商户,鞋,468.32(已全额退款),卡,交易成功,不计收支,网购,1001\t,9\t, \n".encode(),
        "jd_personal", {"CNY": "-52.13"}, 2),
    "generic_preamble": (
        b'Bank code : 1001,Agency : 1,Download start date : 01/04/2026,,,\nAccount Number : 0808,Account Name : Me,: EUR,,,\n,,,,,\n'
        b'Balance at end of period,,,,"+31070,09",\nDate,Operation Number,Label,Debit,Credit,Detail\n01/04/26,OP 1,LABEL,"-150,00",,X\n'
        b'02/04/26,OP 3,LABEL,"-80,68",,X\n13/04/26,OP 4,LABEL,,"1300,00",X\nBalance at start of period,,,,"+30000,77",\n',
        "bank_generic", {"EUR": "1069.32"}, 0),
    "generic_french": ("Date opération;Libellé;Débit;Crédit;Devise;Référence\n2026-04-02;Loyer;1234,56;;EUR;F1\n2026-04-05;Salaire;;3500,00;EUR;F2\n".encode("cp1252"),
                       "bank_generic", {"EUR": "2265.44"}, 0),
    "generic_withdrawal": (b'"Date","Status","Type","CheckNumber","Description","Withdrawal","Deposit","RunningBalance"\n"07/31/2026","Posted","INT","","Interest","","$1.00","$2.00"\n'
                           b'"02/03/2026","Posted","ACH","","Electronic","$1,002.00","","$1.00"\n', "bank_generic", {"CNY": "-1001"}, 0),
    "wechat_quoted": (_quoted(ALL), "wechat_trade", {"CNY": "6.50"}, 0),
    "wechat_fund_quoted": (_quoted(FUND), "wechat_fund", {"CNY": "0.97"}, 0),
    "wechat_personal_bare": (
        '\ufeff交易时间,交易类型,交易对方,商品,收/支,金额(元),支付方式,当前状态,交易单号,商户单号,备注\n2026-03-01 10:00:00,扫码,A,B,支出,¥66.66,零钱,支付成功,1001\t,2001\t,/\n'
        '2026/03/02 10:00,转账,A,B,收入,"¥1,234.56",零钱,已存入零钱,1002\t,/,"/"\n'.encode(), "wechat_personal", {"CNY": "1167.90"}, 0),
    "alipay_personal_short_rows": (
        "交易时间            ,交易分类 ,交易对方 ,对方账号 ,商品说明 ,收/支 ,金额 ,收/付款方式 ,交易状态 ,交易订单号 ,商家订单号 ,备注 ,\n"
        "2026-03-18 18:16:25,出行,某某,a***@b.com,打车,支出,15.12,余额宝,交易成功,2025AP\t,,\n2026-03-18 19:16:25,出行,某某,/,打车,支出,1.00,余额宝,交易成功,2026AP\t,\t,,\n".encode("gb18030"),
        "alipay_personal", {"CNY": "-16.12"}, 0),
    "alipay_trade_without_refunds": (
        f"#支付宝业务明细查询\n#---业务明细列表---\n{ALIPAY_HEAD}\n2026\t,T200P1\t,交易\t,2026-03-01 10:00:00,**博\t,9.90,0.00,\t,0.00\n"
        "#---业务明细列表结束---\n#交易合计：1笔，商家实收共9.90元，商家优惠共0.00元\n".encode(), "alipay_trade", {"CNY": "9.90"}, 0),
    "pdd_renamed": (
        "拼多多店铺账务明细查询\n\n起始时间：2026-03-01 00:00:00  终止时间：2026-03-01 23:59:59\n----------交易记录明细列表---------\n"
        "商户订单号或商品订单号,发生时间,收入金额（+元）,支出金额（-元）,账务类型,备注,业务描述\n260301-1,2026-03-01 10:00:00,61.80,0,交易收入,-,0010002|交易收入-订单收入\n"
        "----------交易记录明细列表结束---------\n支出合计：0笔，共0元\n收入合计：1笔，共61.80元\n".encode("gb18030"), "pdd_fund", {"CNY": "61.80"}, 0),
    "shopify_without_currency": (SHOPIFY_OLD, "shopify_transactions", {"CNY": "20.90"}, 0),
    "etsy_short_dates": (b"Date,Type,Title,Info,Currency,Amount,Fees & Taxes,Net,Tax Details\n30-Apr-26,Sale,Payment for Order #3,,GBP,\xc2\xa31.37,--,\xc2\xa31.37,--\n",
                         "etsy_statement", {"GBP": "1.37"}, 0),
    "etsy_us_dates": (b'Date,Type,Title,Info,Currency,Amount,Fees & Taxes,Net,Tax Details\n04/13/2026,Fee,"Listing fee","Listing #1","USD",-0.20,,-0.20,\n',
                      "etsy_statement", {"USD": "-0.20"}, 0),
    "mt940_closing_without_currency": (
        b":20:STARTUMS\n:25:1222333444\n:28:1/1\n:60F:C260315DEM0,00\n:61:2603170320CM5000,00S05168790452\n:62F:C2603155000,00\n-\n", "bank_mt940", {"DEM": "5000"}, 0),
    "mt940_without_reference": (DIALECTS.partition(b"\r\n")[2].partition(b":20:PAGE1")[0], "bank_mt940", {"EUR": "184.75"}, 0),
}
SAMPLES = {name: case[0] for name, case in CASES.items()}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.bin"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s"), file="any", into=folder / "out")
    return found


@pytest.mark.parametrize("name", sorted(CASES))
def test_a_drifted_layout_is_read(tmp_path: Path, name: str) -> None:
    body, source, amounts, ignored = CASES[name]
    found = read(tmp_path, body)
    assert (found.spec.name, found.rows_ignored) == (source, ignored)
    rows = found.table(found.tables[0]).to_pylist()
    sums: dict[str, Decimal] = {}
    for row in rows:
        sums[row["currency"]] = sums.get(row["currency"], Decimal(0)) + row["amount"]
    assert sums == {currency: Decimal(amount) for currency, amount in amounts.items()}
    assert [t for t in found.totals if not t.ok] == [] and {str(day.year) for day in found.days} == {"2026"}
    assert not {"SMITH", "5678000000004124", "5191000000004561"} & set(str(rows).replace("'", " ").split())


def test_a_card_entry_not_posted_has_no_day_and_waits(tmp_path: Path) -> None:
    assert read(tmp_path, CASES["hsbc_hk_card"][0]).quarantine()["line"].to_pylist() == [4]


def test_a_cell_beyond_all_measure_is_no_traceback(tmp_path: Path) -> None:
    with pytest.raises(RefusedFile, match="it is JSON"):
        read(tmp_path, b'{"a": "' + b"x" * 200_000 + b'", "b"')


def test_two_digits_are_no_year_20(tmp_path: Path) -> None:
    body = CASES["generic_preamble"][0].replace(b"01/04/26", b"01/04/2026")
    found = read(tmp_path, body)
    assert {day.year for day in found.days} == {2026}
