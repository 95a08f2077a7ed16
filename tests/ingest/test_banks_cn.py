"""Account details and card bills of Chinese banks, CSV and XLS, in their true layouts."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from duizhang.errors import RefusedFile
from duizhang.ingest import Extraction, Setting, load_specs
from duizhang.ingest.landing import extract

DATA = Path(__file__).parent / "data"


def _icbc(*cells: str) -> str:
    """A line of ICBC: every cell padded, with a tab at its end, and a comma too many."""
    return ",".join(f'"{cell:<12}\t"' if cell != "人民币" else "人民币  \t" for cell in cells) + ",\n"


ICBC_TOP = '明细查询文件下载\n\n卡号: 1234****9876,"卡别名: 工资卡"\n\n子账户序号: 00000,子账户类别: 活期,"子账户别名: "\n\n'
SAMPLES: dict[str, bytes] = {
    "abc": (
        "交易日期,交易时间,交易摘要,交易金额,本次余额,对手信息,日 志 号,交易渠道,交易附言\n"
        "20260101,123456,转存,+10000.00,11000.00,小明,369396693,超级网银,转账\n"
        "20260102,132324,财付通,-10.00,10990.00,微信支付测试卡,369333999,电子商务,UA01微信支付-测试卡\n"
        "20260103,,正常还款,-990.89,9999.11,12341234123412341,111222333\n"
        "20260104,,结息,+0.01,9999.12,--,0000000000,,个人活期结息\n"
        "20260104,,利息税,+0.00,9999.12,--,0000000000,,个人活期结息"
    ).encode(),
    "boc_debit": (
        "中国银行交易流水明细单\n记账日期,记账时间,币别,金额,余额,交易名称,渠道,网点名称,附言,对方账户名,对方卡号/账号,对方开户行,借记卡号\n"
        '2026-03-22,17:57:17,人民币,-71.89,"3,240.28",无卡支付,卡组织线上/无卡交易,-------------------,----------,小明,6226******5669,-------------------,3167\n'
        '2026-03-12,16:49:29,人民币,"-2,600.00","3,312.17",跨行转账,手机银行,-------------------,货款,测试有限公司,3101******6787,测试银行,3167\n'
        '2026-03-05,16:00:44,美元,"5,771.00","5,912.17",工资,柜台,测试支行,----------,支付宝-小红,4520******1924,测试支行,3167\n'
    ).encode(),
    "boc_credit": (
        "中国银行信用卡账单(2026年01月)\n交易日,银行记账日,卡号后四位,交易描述,存入,支出,币种\n"
        "2025-12-13,2025-12-14,4260,测试公司CHN,,50.00,CNY\n2025-12-20,2025-12-20,,存款利息,0.01,,CNY\n"
        "2025-12-22,2025-12-24,2875,TESTSTOREJPN,,3.72,USD\n"
    ).encode(),
    "bocom_debit": (
        "序号,交易日期,交易时间,交易类型,借贷,交易金额,余额,对方账号,对方户名,交易地点,摘要\n"
        "1,2026-01-01,00:00:00,存款利息,贷 Cr,1.23,101.23,1323132313211331313,应付利息,批处理,\n"
        "2,2026-02-02,13:15:12,信用卡转账还款,借 Dr,3.21,98.02,6666666666666666,小明,其他,\n"
    ).encode(),
    "bocom_credit": (
        "交易日期,记账日期,交易说明,交易币种/金额,入账币种/金额\n2026-01-10,2026-01-10,退货 支付宝-测试,CNY 123.18,CNY 123.18\n"
        "2026-01-29,2026-01-30,信用卡还款 转账还款-小明 6666,CNY13.50,CNY 13.50\n2026-01-18,2026-01-18,消费 Suica Charge,JPY 1000.00,CNY 49.85\n"
    ).encode(),
    "cgb": (
        "交易日期,入账日期,交易摘要,交易金额,交易货币,入账金额,入账货币\n2026/01/05,2026/01/06,（消费）测试商户,15.90,人民币,15.90,人民币\n"
        "2026/01/04,2026/01/04,（退款）测试商户,-97.20,人民币,-97.20,人民币\n2025/12/25,2025/12/26,（还款）云闪付 银联入账-小明,-1130.68,人民币,-1130.68,人民币\n"
    ).encode(),
    "cmb_debit": (
        '记账日期,货币,交易金额,联机余额,交易摘要,对手信息,客户摘要\n2026-01-01,CNY,"1,234.00","1,271.66",代发,测试中心1111111111,约定提取\n'
        '2026-01-01,CNY,"-1,000.00",271.66,转账汇款,小明 66666666666666,转账\n'
    ).encode(),
    "cmb_credit": (
        "招商银行信用卡对账单（个人消费卡账户 2026年01月）（补）\n交易日,记账日,交易摘要,人民币金额,卡号末四位,交易地金额\n"
        ',12/29,掌上生活还款,-1.23,1234,-1.23\n01/02,01/03,测试影票,56.78,1234,56.78\n01/05,01/07,测试移动,"8,000.00",1234,"8,000.00(CN)"\n'
    ).encode(),
    "icbc_v1": (
        ICBC_TOP + "交易日期,摘要,交易场所,交易国家或地区简称,钞/汇,交易金额(收入),交易金额(支出),交易币种,记账金额(收入),记账金额(支出),记账币种,余额,对方户名\n"
        + _icbc("2026-03-02", "消费", "测试食品有", "CHN", "钞", "-", "-", "-", "", "13.40", "人民币", "100.00", "财付通支付科技有限公司")
        + _icbc("2026-03-01", "工资", "", "CHN", "钞", "-", "-", "-", "1,234.56", "", "人民币", "113.40", "小明")
        + ' \n人民币合计,,,,,,,,"1,234.56          \t","13.40          \t",\n'
    ).encode(),
    "icbc_v2": (
        ICBC_TOP + "交易日期,摘要,交易详情,交易场所,交易国家或地区简称,钞/汇,交易金额(收入),交易金额(支出),交易币种,记账金额(收入),记账金额(支出),记账币种,余额,对方户名,对方账户\n"
        + _icbc("2026-03-02", "消费", "", "测试", "CHN", "钞", "-", "-", "-", "", "13.40", "人民币", "xx,yyyy.zz", "小明", "1234****9876")
        + ' \n人民币合计,,,,,,,,,"0.00          \t","13.40          \t",\n'
    ).encode("gb18030"),
    "icbc_credit": (
        '明细查询文件下载\n\n卡号: 1234****5678,"卡别名: "\n\n子账户类别:\n\n'
        "交易日期,记账日期,摘要,交易场所,交易国家或地区简称,交易金额(收入),交易金额(支出),交易币种,记账金额(收入),记账金额(支出),记账币种,余额,对方户名\n"
        + _icbc("2026-03-22", "2026-03-23", "消费", "支付宝-测试", "CHN", "", "18.00", "人民币", "", "18.00", "人民币", "-6,086.11", "")
        + _icbc("2026-03-25", "2026-03-25", "还款", "测试分行", "CHN", "4,621.01", "", "人民币", "4,621.01", "", "人民币", "-1,465.10", "")
        + ' \n合计金额,,,,,"4,621.01  \t","18.00  \t",\t,"4,621.01  \t","18.00  \t",\n'
    ).encode(),
    **{name: (DATA / f"{name}.xls").read_bytes() for name in ("ccb", "citic", "spdb")},
}
# what every sample gives: source, (account, day, amount, currency, remark) of its rows
FACTS = {
    "abc": ("bank_abc", [
        ("ABC", "2026-01-01", "10000", "CNY", "转存"), ("ABC", "2026-01-02", "-10", "CNY", "财付通 微信支付"),
        ("ABC", "2026-01-03", "-990.89", "CNY", "正常还款"), ("ABC", "2026-01-04", "0.01", "CNY", "结息"), ("ABC", "2026-01-04", "0", "CNY", "利息税")]),
    "boc_debit": ("bank_boc", [
        ("BOC-3167", "2026-03-22", "-71.89", "CNY", "无卡支付"), ("BOC-3167", "2026-03-12", "-2600", "CNY", "跨行转账"),
        ("BOC-3167", "2026-03-05", "5771", "USD", "工资 支付宝")]),
    "boc_credit": ("bank_boc", [
        ("BOC-4260", "2025-12-14", "-50", "CNY", ""), ("BOC", "2025-12-20", "0.01", "CNY", ""), ("BOC-2875", "2025-12-24", "-3.72", "USD", "")]),
    "bocom_debit": ("bank_bocom", [
        ("BOCOM", "2026-01-01", "1.23", "CNY", "存款利息"), ("BOCOM", "2026-02-02", "-3.21", "CNY", "信用卡转账还款")]),
    "bocom_credit": ("bank_bocom", [
        ("BOCOM", "2026-01-10", "123.18", "CNY", "退货 支付宝"), ("BOCOM", "2026-01-30", "13.5", "CNY", "信用卡还款"),
        ("BOCOM", "2026-01-18", "-49.85", "CNY", "消费")]),
    "cgb": ("bank_cgb", [
        ("CGB", "2026-01-06", "-15.9", "CNY", "消费"), ("CGB", "2026-01-04", "97.2", "CNY", "退款"), ("CGB", "2025-12-26", "1130.68", "CNY", "还款 银联")]),
    "cmb_debit": ("bank_cmb", [("CMB", "2026-01-01", "1234", "CNY", ""), ("CMB", "2026-01-01", "-1000", "CNY", "")]),
    "cmb_credit": ("bank_cmb", [
        ("CMB-1234", "2025-12-29", "1.23", "CNY", ""), ("CMB-1234", "2026-01-03", "-56.78", "CNY", ""), ("CMB-1234", "2026-01-07", "-8000", "CNY", "")]),
    "icbc_v1": ("bank_icbc", [
        ("ICBC-1234****9876", "2026-03-02", "-13.4", "CNY", "消费 财付通"), ("ICBC-1234****9876", "2026-03-01", "1234.56", "CNY", "工资")]),
    "icbc_v2": ("bank_icbc", [("ICBC-1234****9876", "2026-03-02", "-13.4", "CNY", "消费")]),
    "icbc_credit": ("bank_icbc", [
        ("ICBC-1234****5678", "2026-03-23", "-18", "CNY", "消费 支付宝"), ("ICBC-1234****5678", "2026-03-25", "4621.01", "CNY", "还款")]),
    "ccb": ("bank_ccb", [
        ("CCB-6217*********1546", "2026-03-01", "-67", "CNY", "消费 支付宝"), ("CCB-6217*********1546", "2026-03-02", "1200.5", "CNY", "转账存入"),
        ("CCB-6217*********1546", "2026-03-02", "-16.78", "CNY", "消费 支付宝")]),
    "citic": ("bank_citic", [("CITIC-6688", "2026-03-02", "-5.9", "CNY", "支付宝"), ("CITIC-6688", "2026-03-02", "1.21", "CNY", "财付通")]),
    "spdb": ("bank_spdb", [
        ("SPDB-6200000000001230", "2026-03-03", "-3.88", "CNY", "网上支付-支付宝"), ("SPDB-6200000000001230", "2026-03-05", "10", "CNY", "汇入外")]),
}


def read(folder: Path, body: bytes) -> Extraction:
    path = folder / "any.csv"
    path.write_bytes(body)
    [found] = extract(path, load_specs(), Setting(shop="s"), file="any.csv", into=folder / "out")
    assert found.rows_read == found.rows_parsed + found.rows_quarantined + found.rows_ignored
    return found


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_every_bank_gives_its_signed_entries_and_no_names(tmp_path: Path, name: str) -> None:
    source, facts = FACTS[name]
    found = read(tmp_path, SAMPLES[name])
    rows = found.table("bank_entries").to_pylist()
    assert (found.spec.name, found.rows_read, found.rows_parsed) == (source, len(facts), len(facts)), found.quarantine().to_pylist()
    assert [(r["bank_account"], r["period"].isoformat(), r["amount"], r["currency"], r["remark"]) for r in rows] == [
        (account, day, Decimal(amount), currency, remark) for account, day, amount, currency, remark in facts]
    assert len({r["entry_id"] for r in rows}) == len(rows)
    assert all(t.ok for t in found.totals) and not any(name in str(rows) for name in ("小明", "小红"))


@pytest.mark.parametrize("name", ["icbc_v1", "icbc_credit"])
def test_the_totals_of_icbc_tie_until_a_cent_or_a_line_is_lost(tmp_path: Path, name: str) -> None:
    body = SAMPLES[name]
    stated = [t.stated for t in read(tmp_path, body).totals if "合计" in t.name and t.stated]
    assert len(stated) == 2
    row = next(line for line in body.split(b"\n") if "消费".encode() in line)
    assert [t.ok for t in read(tmp_path, body.replace(row + b"\n", b"")).totals if "合计" in t.name and t.stated] == [True, False]
    cent = row.replace(b"13.40", b"13.41").replace(b"18.00", b"18.01")
    assert [t.ok for t in read(tmp_path, body.replace(row, cent)).totals if "合计" in t.name and t.stated] == [True, False]


def test_an_amount_that_is_not_there_is_quarantined(tmp_path: Path) -> None:
    found = read(tmp_path, SAMPLES["boc_credit"].replace(b"0.01,,CNY", b",,CNY"))
    assert (found.rows_parsed, found.rows_quarantined) == (2, 1)


def test_an_old_workbook_without_a_line_is_read_or_refused(tmp_path: Path) -> None:
    lines = SAMPLES["ccb"].split(b"\n")
    for at in range(len(lines)):
        try:
            read(tmp_path, b"\n".join(lines[:at] + lines[at + 1 :]))
        except RefusedFile as error:
            assert "workbook" in str(error) or "no source" in str(error) or "neither" in str(error)
