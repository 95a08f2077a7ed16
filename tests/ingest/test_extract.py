"""Raw files in their true layouts: read to the cent, or refused clearly, whatever byte is damaged."""

from __future__ import annotations

import io
import tempfile
import zipfile
from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

ALIPAY = """#支付宝业务明细查询
#账号：[20880000000001560156]
#起始日期：[2026年03月01日 00:00:00]   终止日期：[2026年03月02日 00:00:00]
#----业务明细列表----
支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,订单金额（元）,商家实收（元）,支付宝红包（元）,\
集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注
2026030122001\t,T200P3301\t,交易\t,杯,2026-03-01 10:00:00,2026-03-01 10:00:05,\t,\t,\t,\t,a***@example.com\t,35.80,35.80,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,\t,-0.12,0.00,
2026030122001\t,T200P3301\t,退款\t,杯,2026-03-01 11:00:00,2026-03-01 11:00:05,\t,\t,\t,\t,a***@example.com\t,-5.80,-5.80,0.00,0.00,0.00,0.00,0.00,,0.00\t,0.00,R1\t,0.00,0.00,
#----业务明细列表结束----
#交易合计：1笔，商家实收共35.80元，商家优惠共0.00元
#退款合计：1笔，商家实收退款共-5.80元，商家优惠退款共0.00元
#导出时间：[2026年03月02日 09:00:00]
""".encode("gb18030")

WECHAT = ("\ufeff交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,货币种类,应结订单金额,代金券金额,"
          "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,订单金额,申请退款金额,费率备注\r\n"
          "`2026-03-01 08:00:00,`wx1,`19,`0,`,`4200,`W1,`o1,`JSAPI,`SUCCESS,`OTHERS,`CNY,`6.50,`0.00,`0,`0,`0.00,`0.00,`,`,`杯,大,`,`0.04000,`0.60%,`6.50,`0.00,`\r\n"
          "`2026-03-01 09:00:00,`wx1,`19,`0,`,`4200,`W1,`o1,`JSAPI,`REFUND,`OTHERS,`CNY,`0.00,`0.00,`503,`R1,`1.50,`0.00,`ORIGINAL,`SUCCESS,`杯,`,`-0.01000,`0.60%,`0.00,`1.50,`\r\n"
          "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额\r\n"
          "`2,`6.50,`1.50,`0.00,`0.03000,`6.50,`1.50\r\n").encode()

MT940 = (b":20:S1\n:25:6225\n:28C:1/1\n:60F:C260301CNY100,\n:61:2603010301C16,5NTRFNONREF//B1\n:86:/NAME/X/PAYOUT/AP1\n"
         b":61:2603010301D6,NTRFNONREF//B2\n:86:/REMI/GOODS\n:62F:C260301CNY110,5\n-\n")

SAMPLES = {"alipay.csv": ALIPAY, "wechat.csv": WECHAT, "statement.sta": MT940}


def read(folder: Path, body: bytes, name: str = "any.bin") -> Extraction:
    path = folder / name
    path.write_bytes(body)
    return extract(path, load_specs(), Setting(shop="s"), file=name, into=Path(tempfile.mkdtemp(dir=folder)))[0]


def test_alipay_inside_a_zip_with_gbk_names_and_the_summary_first(tmp_path: Path) -> None:
    summary = "#支付宝业务汇总查询\n类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）,总金额（元）\n合计,1,35.80,1,-5.80,30.00\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for name, body in (("汇总.csv", summary.encode("gb18030")), ("明细.csv", ALIPAY)):
            archive.writestr(zipfile.ZipInfo(name.encode("gb18030").decode("cp437")), body)
    found = read(tmp_path, packed.getvalue())
    assert (found.spec.name, found.encoding, found.rows_read, found.rows_parsed) == ("alipay_trade", "gb18030", 2, 2)
    assert all(t.ok for t in found.totals) and len(found.totals) == 6
    paid, refunded = found.table("payments").to_pylist(), found.table("refunds").to_pylist()
    assert (paid[0]["order_id"], paid[0]["amount"], paid[0]["fee"], paid[0]["line"]) == ("3301", Decimal("35.8"), Decimal("0.12"), 6)
    assert (refunded[0]["amount"], refunded[0]["refund_id"]) == (Decimal("5.8"), "R1")
    assert b"example.com" not in str([found.table(name) for name in found.tables]).encode()


def test_wechat_with_a_comma_in_a_name_and_its_second_table(tmp_path: Path) -> None:
    found = read(tmp_path, WECHAT)
    assert (found.spec.name, found.rows_read, found.rows_parsed) == ("wechat_trade", 2, 2)
    assert [(t.name, t.ok) for t in found.totals if not t.ok] == []
    assert found.table("refunds").to_pylist()[0]["transaction_id"] == "503"


def test_mt940_ties(tmp_path: Path) -> None:
    found = read(tmp_path, MT940)
    assert found.spec.name == "bank_mt940" and [t.ok for t in found.totals] == [True]
    rows = [(r["amount"], r["reference"]) for r in found.table("bank_entries").to_pylist()]
    assert rows == [(Decimal("16.5"), "AP1"), (Decimal(-6), "")]


def test_an_id_in_scientific_notation_is_quarantined_with_advice(tmp_path: Path) -> None:
    found = read(tmp_path, ALIPAY.replace(b"2026030122001\t,T200P3301\t,\xbd\xbb", b"2.02603E+12,T200P3301\t,\xbd\xbb"))
    assert (found.rows_parsed, found.rows_quarantined) == (1, 1)
    cell = found.quarantine().to_pylist()[0]
    assert cell["line"] == 6 and cell["value"] == "2.02603E+12" and "export again" in cell["reason"]
    assert not all(t.ok for t in found.totals)


def test_a_bomb_and_a_stranger_are_refused(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x.csv", b"0" * 50_000_000)
    with pytest.raises(RefusedFile, match="unpacks"):
        read(tmp_path, packed.getvalue())
    with pytest.raises(RefusedFile, match="closest is books_refunds"):
        read(tmp_path, b"refund_id,shop,order_id,amount\n1,2,3,4\n")


