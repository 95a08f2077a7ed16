"""The files of the platforms and payment providers, in their true formats: Taobao, Alipay, WeChat Pay, JD."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from duizhang.simulate.text import csv_lines, local, major, moment, money, text_bytes, write_text, write_zip
from duizhang.simulate.world import DAY, Plan

TAOBAO_ORDER_HEADER = (
    "订单编号,买家会员名,买家支付宝账号,支付单号,支付详情,买家应付货款,买家应付邮费,买家支付积分,总金额,"
    "返点积分,买家实际支付金额,买家实际支付积分,"
    "订单状态,买家留言,收货人姓名,收货地址 ,运送方式,联系电话 ,联系手机,订单创建时间,订单付款时间 ,宝贝标题 ,"
    "宝贝种类 ,物流单号 ,物流公司,订单备注,"
    "宝贝总数量,店铺Id,店铺名称,订单关闭原因,卖家服务费,买家服务费,发票抬头,是否手机订单,分阶段订单信息,"
    "特权订金订单id,是否上传合同照片,是否上传小票,"
    "是否代付,定金排名,修改后的sku,修改后的收货地址,异常信息,天猫卡券抵扣,集分宝抵扣,是否是O2O交易,"
    "新零售交易类型,新零售导购门店名称,新零售导购门店id,"
    "新零售发货门店名称,新零售发货门店id,退款金额,预约门店,确认收货时间,打款商家金额,含应开票给个人的个人红包,"
    "是否信用购,前N有礼,主订单编号,"
    "区域中心,是否预售"
)
TAOBAO_LINE_HEADER = (
    "子订单编号,主订单编号,商品标题,商品价格,购买数量,外部系统编号,商品属性,套餐信息,备注,订单状态,商家编码,"
    "支付单号,买家应付货款,买家实际支付金额,"
    "退款状态,退款金额,订单创建时间,订单付款时间 "
)
TAOBAO_STATUS = {"paid": "买家已付款，等待卖家发货", "shipped": "卖家已发货，等待买家确认", "completed": "交易成功",
                 "closed": "交易关闭", "unpaid": "等待买家付款"}
JD_STATUS = {"paid": "等待出库", "shipped": "等待确认收货", "completed": "完成", "closed": "已取消",
             "unpaid": "等待付款"}
ALIPAY_TRADE_HEADER = (
    "支付宝交易号,商户订单号,业务类型,商品名称,创建时间,完成时间,门店编号,门店名称,操作员,终端号,对方账户,"
    "订单金额（元）,商家实收（元）,支付宝红包（元）,"
    "集分宝（元）,支付宝优惠（元）,商家优惠（元）,券核销金额（元）,券名称,商家红包消费金额（元）,"
    "卡消费金额（元）,退款批次号/请求号,服务费（元）,分润（元）,备注"
)
ALIPAY_FUND_HEADER = (
    "账务流水号,业务流水号,商户订单号,商品名称,发生时间,对方账号,收入金额（+元）,支出金额（-元）,"
    "账户余额（元）,业务类型,备注,业务描述,业务基础订单号"
)
WECHAT_TRADE_HEADER = (
    "交易时间,公众账号ID,商户号,特约商户号,设备号,微信订单号,商户订单号,用户标识,交易类型,交易状态,付款银行,"
    "货币种类,应结订单金额,代金券金额,"
    "微信退款单号,商户退款单号,退款金额,充值券退款金额,退款类型,退款状态,商品名称,商户数据包,手续费,费率,"
    "订单金额,申请退款金额,费率备注"
)
WECHAT_FUND_HEADER = (
    "记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),"
    "资金变更提交申请人,备注,业务凭证号"
)
JD_ORDER_HEADER = (
    "订单号,商品ID,商品名称,订购数量,京东价,应付金额,订单状态,商家SKUID,下单时间,付款确认时间,快递单号,币种"
)
JD_BILL_HEADER = (
    "订单编号,父单号,订单状态,订单下单时间,订单完成时间,售后服务单号,售后退款时间,商品编号,商品名称,商品数量,"
    "扣点类型,佣金比例,费用名称,应结金额,币种,"
    "收支方向,结算状态,预计结算时间,账单生成时间,到账时间,商户订单号,资金动账备注"
)
ALIPAY_USER = "2088000000000001"
ALIPAY_ACCOUNT = ALIPAY_USER + "0156"
_TAB = "\t"


def _paid(plan: Plan, name: str = "at") -> pl.Expr:
    return pl.when("is_paid").then(moment(plan, name)).otherwise(pl.lit(""))


def _text(name: str) -> pl.Expr:
    """An id as Taobao writes it for Excel: ="..."."""
    return '="' + pl.col(name) + '"'


def write_taobao(folder: Path, plan: Plan, day: int, lines: pl.DataFrame) -> None:
    """ExportOrderList and ExportOrderDetailList of a day; lines: the platform's lines of that day."""
    stamp, home = plan.date(day).strftime("%Y%m%d"), local(plan)
    lines = lines.with_columns(
        state=pl.col("status").replace_strict(TAOBAO_STATUS, return_dtype=pl.String),
        pay=pl.col("amount") - pl.col("coupon"),
    )
    goods = lines.filter(pl.col("sku") != "")
    detail = csv_lines(goods, [
        _text("line_id"), _text("order_id"), pl.col("product"), home("price"), pl.col("quantity"), pl.col("sku"),
        "颜色:默认", "", "", pl.col("state"), pl.col("sku"),
        pl.when("is_paid").then(_text("txn")).otherwise(pl.lit("")), home("amount"), home("pay"),
        "没有申请退款", "0.00", moment(plan, "ordered_at"), _paid(plan),
    ])
    write_text(folder / f"ExportOrderDetailList{stamp}0900.csv", [TAOBAO_LINE_HEADER, *detail], "gb18030", "\r\n")
    orders = lines.group_by("o", maintain_order=True).agg(
        pl.col("order_id", "txn", "customer", "state", "ordered_at", "at", "is_paid", "tracking", "carrier", "status")
        .first(),
        goods=pl.col("amount").filter(pl.col("sku") != "").sum(),
        freight=pl.col("amount").filter(pl.col("sku") == "").sum(),
        pay=pl.col("pay").sum(), total=pl.col("amount").sum(), product=pl.col("product").first(),
        pieces=pl.col("quantity").sum(), kinds=(pl.col("sku") != "").sum(),
    )
    shipped = pl.col("status") == "shipped"
    cells: dict[str, pl.Expr | str] = {
        "订单编号": _text("order_id"), "买家会员名": pl.col("customer"),
        "买家支付宝账号": pl.col("customer") + "@example.com",
        "支付单号": pl.when("is_paid").then(_text("txn")).otherwise(pl.lit("")),
        "买家应付货款": home("goods"), "买家应付邮费": home("freight"), "买家支付积分": "0", "总金额": home("total"),
        "返点积分": "0", "买家实际支付金额": home("pay"), "买家实际支付积分": "0", "订单状态": pl.col("state"),
        "收货人姓名": pl.col("customer"), "收货地址 ": "测试省 测试市 测试路1号", "运送方式": "快递",
        "联系电话 ": "'", "联系手机": "'13000000000", "订单创建时间": moment(plan, "ordered_at"),
        "订单付款时间 ": _paid(plan), "宝贝标题 ": pl.col("product"), "宝贝种类 ": pl.col("kinds"),
        "物流单号 ": pl.when(shipped).then("No:" + pl.col("tracking")).otherwise(pl.lit("")),
        "物流公司": pl.when(shipped).then("carrier").otherwise(pl.lit("")), "宝贝总数量": pl.col("pieces"),
        "店铺Id": "0", "店铺名称": "测试店铺", "卖家服务费": "0", "买家服务费": "0.00元", "退款金额": "0.00",
        "打款商家金额": "0.00元", "主订单编号": _text("order_id"),
    }
    rows = csv_lines(orders, [cells.get(name, "") for name in TAOBAO_ORDER_HEADER.split(",")])
    write_text(folder / f"ExportOrderList{stamp}0900.csv", [TAOBAO_ORDER_HEADER, *rows], "gb18030", "\r\n")


def _alipay_head(plan: Plan, day: int, title: str, listing: str) -> list[str]:
    start, end = plan.date(day), plan.date(day + 1)
    return [
        f"#支付宝{title}查询", f"#账号：[{ALIPAY_ACCOUNT}]",
        f"#起始日期：[{start:%Y年%m月%d日} 00:00:00]   终止日期：[{end:%Y年%m月%d日} 00:00:00]",
        f"#----{listing}列表----",
    ]


def _alipay_summary(plan: Plan, day: int, title: str, income: tuple[int, int], outgo: tuple[int, int]) -> bytes:
    head = _alipay_head(plan, day, f"{title}汇总", f"{title}汇总")
    total = [money(amount, plan.places) for amount in (income[1], outgo[1], income[1] + outgo[1])]
    row = f"合计,{income[0]},{total[0]},{outgo[0]},{total[1]},{total[2]}"
    return text_bytes(
        [*head, "类型,收入笔数,收入金额（+元）,支出笔数,支出金额（-元）,总金额（元）", row,
         f"#----{title}汇总列表结束----", f"#导出时间：[{plan.date(day + 1):%Y年%m月%d日} 09:00:00]"], "gbk", "\r\n")


def write_alipay(
    folder: Path, plan: Plan, day: int, payments: pl.DataFrame, refunds: pl.DataFrame, fund: pl.DataFrame
) -> None:
    """The trade bill and the fund bill of a day, each a ZIP of GBK files with the summary first."""
    stamp, exported = plan.date(day).strftime("%Y%m%d"), f"#导出时间：[{plan.date(day + 1):%Y年%m月%d日} 09:00:00]"
    home = local(plan)
    nothing: list[pl.Expr | str] = ["", _TAB, _TAB, _TAB, _TAB]

    def trade_rows(frame: pl.DataFrame, kind: str, sign: int, refund: pl.Expr | str) -> list[str]:
        amount, coupon = pl.col("amount") * sign, pl.col("coupon") * sign
        return csv_lines(frame, [
            pl.col("txn") + _TAB, "T200P" + pl.col("order_id") + _TAB, kind + _TAB, "测试商品",
            moment(plan, pl.col("at") - 5), moment(plan, "at"), *nothing[1:], "buy***@example.com" + _TAB,
            home(amount), home(amount), "0.00", "0.00", home(coupon), "0.00", "0.00", "", "0.00" + _TAB, "0.00", refund,
            home(-pl.col("fee")), "0.00", "",
        ])

    paid, back = int(payments["amount"].sum()), -int(refunds["amount"].sum())
    rows = trade_rows(payments, "交易", 1, _TAB) + trade_rows(
        refunds.with_columns(coupon=pl.lit(0, pl.Int64)), "退款", -1, pl.col("refund_id") + _TAB)
    trade = text_bytes([
        *_alipay_head(plan, day, "业务明细", "业务明细"), ALIPAY_TRADE_HEADER, *rows, "#----业务明细列表结束----",
        f"#交易合计：{payments.height}笔，商家实收共{money(paid, plan.places)}元，商家优惠共0.00元",
        f"#退款合计：{refunds.height}笔，商家实收退款共{money(back, plan.places)}元，商家优惠退款共0.00元", exported], "gbk", "\r\n")
    write_zip(folder / f"{ALIPAY_USER}_{stamp}_trade.zip", [
        (f"{ALIPAY_ACCOUNT}_{stamp}_业务明细(汇总).csv",
         _alipay_summary(plan, day, "业务", (payments.height, paid), (refunds.height, back))),
        (f"{ALIPAY_ACCOUNT}_{stamp}_业务明细.csv", trade),
    ])
    income = fund.filter(pl.col("amount") > 0)["amount"]
    outgo = fund.filter(pl.col("amount") < 0)["amount"]
    newest = fund.reverse().with_columns(
        type=pl.col("kind").replace_strict(
            {"sale": "交易付款", "refund": "交易退款", "fee": "收费", "payout": "提现", "withheld": "冻结", "released": "解冻",
             "advertising": "代扣"}, return_dtype=pl.String),
        about=pl.col("kind").replace_strict(
            {"sale": "0010001|交易收款-交易收款", "refund": "0020001|交易退款-交易退款",
             "fee": "0030001|服务费-交易服务费", "payout": "0100001|提现-提现", "withheld": "0050001|保证金-冻结",
             "released": "0050002|保证金-解冻", "advertising": "0030099|营销推广-直通车"}, return_dtype=pl.String),
        merchant=pl.when(pl.col("order_id") == "").then(pl.lit("")).otherwise("T200P" + pl.col("order_id")),
        note=pl.when(pl.col("kind") == "fee").then("收费{tradeid:" + pl.col("order_id") + "}")
        .otherwise(pl.lit("")),
    )
    lines = csv_lines(newest, [
        pl.col("entry_id") + _TAB, pl.col("txn") + _TAB, pl.col("merchant") + _TAB, "测试商品", moment(plan, "at"),
        "buy***@example.com" + _TAB,
        pl.when(pl.col("amount") > 0).then(home("amount")).otherwise(pl.lit("0.00")),
        pl.when(pl.col("amount") < 0).then(home("amount")).otherwise(pl.lit("0.00")),
        home("balance"), pl.col("type") + _TAB, pl.col("note"), pl.col("about"), pl.col("order_id") + _TAB,
    ])
    pad = "," * 12
    outline = [f"#支出合计：{len(outgo)}笔，共{money(int(outgo.sum()), plan.places)}元",
               f"#收入合计：{len(income)}笔，共{money(int(income.sum()), plan.places)}元"]
    data = text_bytes([
        *_alipay_head(plan, day, "账务明细", "账务明细"), ALIPAY_FUND_HEADER, *lines,
        *(line + pad for line in ["#----账务明细列表结束----", *outline, exported])], "gbk", "\r\n")
    write_zip(folder / f"{ALIPAY_USER}_{stamp}_signcustomer.zip", [
        (f"{ALIPAY_ACCOUNT}_{stamp}_账务明细(汇总).csv",
         _alipay_summary(plan, day, "账务", (len(income), int(income.sum())), (len(outgo), int(outgo.sum())))),
        (f"{ALIPAY_ACCOUNT}_{stamp}_账务明细.csv", data),
    ])


def write_wechat(
    folder: Path, plan: Plan, day: int, payments: pl.DataFrame, refunds: pl.DataFrame, fund: pl.DataFrame
) -> None:
    """tradebill ALL and fundflowbill of a day: BOM, CRLF, back-ticks, a summary as a second table."""
    stamp, home = plan.date(day).strftime("%Y-%m-%d"), local(plan)
    zeros = "0" * (5 - plan.places) if plan.places else ""  # fees have five decimals
    fee = pl.lit("`") + home("fee") + zeros
    paid = csv_lines(payments, [
        "`" + moment(plan, "at"), "`wx0000000000000001", "`1900000001", "`0", "`", "`" + pl.col("txn"),
        "`" + pl.col("order_id"), "`o" + pl.col("customer"), "`JSAPI", "`SUCCESS", "`OTHERS", "`" + pl.lit(plan.currency),
        "`" + home("amount"), "`0.00", "`0", "`0", "`0.00", "`0.00", "`", "`", "`测试商品", "`", fee, "`0.60%",
        "`" + home("amount"), "`0.00", "`",
    ])
    back = csv_lines(refunds, [
        "`" + moment(plan, "at"), "`wx0000000000000001", "`1900000001", "`0", "`", "`" + pl.col("paid_txn"),
        "`" + pl.col("order_id"), "`o", "`JSAPI", "`REFUND", "`OTHERS", "`" + pl.lit(plan.currency),
        "`0.00", "`0.00", "`" + pl.col("txn"), "`" + pl.col("refund_id"), "`" + home("amount"), "`0.00", "`ORIGINAL",
        "`SUCCESS", "`测试商品", "`", fee, "`0.60%", "`0.00", "`" + home("amount"), "`",
    ])
    sold, refunded = (money(int(rows["amount"].sum()), plan.places) for rows in (payments, refunds))
    fees = money(int(payments["fee"].sum()) + int(refunds["fee"].sum()), plan.places) + zeros
    write_text(folder / f"1900000001All{stamp}.csv", [
        WECHAT_TRADE_HEADER, *paid, *back,
        "总交易单数,应结订单总金额,退款总金额,充值券退款总金额,手续费总金额,订单总金额,申请退款总金额",
        f"`{len(paid) + len(back)},`{sold},`{refunded},`0.00,`{fees},`{sold},`{refunded}",
    ], "utf-8-sig", "\r\n")
    income, outgo = fund.filter(pl.col("amount") > 0)["amount"], fund.filter(pl.col("amount") < 0)["amount"]
    fund = fund.with_columns(
        type=pl.when(pl.col("kind") == "sale").then(pl.lit("交易")).when(pl.col("kind") == "refund")
        .then(pl.lit("退款")).when(pl.col("kind") == "payout").then(pl.lit("提现"))
        .when(pl.col("amount") < 0).then(pl.lit("扣除交易手续费")).otherwise(pl.lit("交易手续费退回")),
        proof=pl.when(pl.col("refund_id") != "").then("refund_id").otherwise("order_id"),
    )
    lines = csv_lines(fund, [
        "`" + moment(plan, "at"), "`" + pl.col("txn"), "`" + pl.col("entry_id"), "`" + pl.col("type"),
        "`" + pl.col("type"), pl.when(pl.col("amount") > 0).then(pl.lit("`收入")).otherwise(pl.lit("`支出")),
        "`" + home(pl.col("amount").abs()), "`" + home("balance"), "`1900000001API", "`", "`" + pl.col("proof"),
    ])
    write_text(folder / f"1900000001fundflowBasic{stamp}.csv", [
        WECHAT_FUND_HEADER, *lines, "资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额",
        f"`{len(lines)},`{len(income)},`{money(int(income.sum()), plan.places)},`{len(outgo)},`{money(-int(outgo.sum()), plan.places)}",
    ], "utf-8-sig", "\r\n")


def write_jd(folder: Path, plan: Plan, day: int, lines: pl.DataFrame, bill: pl.DataFrame) -> None:
    """The order list and the settlement detail of a day (GBK); the settlement has a merged title row."""
    stamp, home = plan.date(day).strftime("%Y%m%d"), local(plan)
    shipped = pl.col("status") == "shipped"
    rows = csv_lines(lines, [
        pl.col("order_id") + _TAB, "1000" + pl.col("sku").str.slice(3), pl.col("product"), pl.col("quantity"),
        home("price"), home("amount"), pl.col("status").replace_strict(JD_STATUS, return_dtype=pl.String),
        pl.col("sku"), moment(plan, "ordered_at"), _paid(plan),
        pl.when(shipped).then("tracking").otherwise(pl.lit("")) + _TAB, plan.currency,
    ])
    write_text(folder / f"订单明细_{stamp}.csv", [JD_ORDER_HEADER, *rows], "gb18030", "\r\n")
    refund = pl.col("service_id") != ""
    date = plan.date(day).strftime("%Y-%m-%d")
    settled = csv_lines(bill, [
        pl.col("order_id") + _TAB, pl.col("order_id") + _TAB, "完成", moment(plan, pl.col("at") // DAY * DAY), date,
        pl.col("service_id") + _TAB, pl.when(refund).then(pl.lit(date)).otherwise(pl.lit("")),
        pl.when(pl.col("sku") == "").then(pl.lit("")).otherwise("1000" + pl.col("sku").str.slice(3)), "测试商品", "1",
        "固定扣点", "",
        pl.col("fee_name"), home("amount"), plan.currency,
        pl.when(pl.col("amount") > 0).then(pl.lit("收入")).otherwise(pl.lit("支出")), "已结算", date, stamp,
        date, pl.col("payout_id") + _TAB, "",
    ])
    title = f"结算明细 {date}" + "," * 21
    write_text(folder / f"结算明细_{stamp}.csv", [title, JD_BILL_HEADER, *settled], "gb18030", "\r\n")


def write_cardpay(
    folder: Path, plan: Plan, day: int, payments: pl.DataFrame, refunds: pl.DataFrame, fund: pl.DataFrame
) -> None:
    """The card processor's settlement report of the shop abroad; fund gives the ids and the payout of the day."""
    stamp = plan.date(day).isoformat()
    ids = fund.filter(pl.col("kind").is_in(["sale", "refund"])).select("txn", "entry_id").unique("txn", keep="first")
    batch = "CP" + plan.date(day).strftime("%Y%m%d")

    def rows(frame: pl.DataFrame, kind: str, sign: int, refund_id: pl.Expr | str, customer: pl.Expr | str) -> list[str]:
        gross = pl.col("amount") * sign
        return csv_lines(frame.join(ids, on="txn", how="left", maintain_order="left"), [
            "cardpay", pl.col("entry_id"), kind, pl.col("txn"), pl.col("order_id"), refund_id, customer, major(gross),
            major(-pl.col("fee")), major(gross - pl.col("fee")), "USD", batch, moment(plan, "at"),
        ])

    out = csv_lines(fund.filter(pl.col("kind") == "payout"), [
        "cardpay", pl.col("entry_id"), "payout", "", "", "", "", major("amount"), "0.00", major("amount"), "USD",
        pl.col("txn"), moment(plan, "at"),
    ])
    write_text(folder / f"settlement_{stamp}.csv", [
        "provider,entry_id,type,transaction_id,order_id,refund_id,customer,gross,fee,net,currency,payout_id,created_at",
        *rows(payments, "charge", 1, "", pl.col("customer")), *rows(refunds, "refund", -1, pl.col("refund_id"), ""), *out])


def write_statement(folder: Path, plan: Plan, day: int, shop: str, stated: pl.DataFrame) -> None:
    """A platform's statement of a shop's day; stated: measure and amount, no row where it left the day out."""
    date = plan.date(day).isoformat()
    said = {str(measure): money(int(amount), plan.places) for measure, amount in stated.select("measure", "amount").iter_rows()}
    measures = ("revenue", "discount", "refund", "commission", "fee")
    rows = [",".join([shop, date, plan.currency, *(said.get(name, "") for name in measures)])] if said else []
    write_text(folder / f"statement_{shop}_{date}.csv", [f"shop,day,currency,{','.join(measures)}", *rows])
