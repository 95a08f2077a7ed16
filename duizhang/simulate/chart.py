"""The accounts of the simulated company: at banks, in the ledger, what they are called and whose they are."""

from __future__ import annotations

from duizhang.simulate.world import PROVIDERS, SHOPS, Plan

BANK_ACCOUNT, US_BANK_ACCOUNT = "6225880000010001", "6225880000020002"
# by legal entity; who has none pays into the first
BANK_ACCOUNTS = {"demo": BANK_ACCOUNT, "demo-us": US_BANK_ACCOUNT, "demo-own": "6225880000030003", "demo-jd": "6225880000040004"}
SALES_ACCOUNTS = {"tb-01": "6001.01", "jd-01": "6001.02", "wx-01": "6001.03", "us-01": "6001.04"}
REFUND_ACCOUNTS = {"tb-01": "6001.11", "jd-01": "6001.12", "wx-01": "6001.13", "us-01": "6001.14"}
FEE_ACCOUNTS = {"alipay": "6603.01", "wechat": "6603.02"}
BANK_LEDGERS = {account: f"1002.{number:02}" for number, account in enumerate(BANK_ACCOUNTS.values(), 1)}
FX_LEDGER = "6603.09"
# from that day the ledger accrues the fees of WeChat Pay less so many per cent: a declared change of estimate
POLICY_DAY, POLICY_ACCOUNT, POLICY_PERCENT = 2, "6603.02", 2
ACCOUNT_NAMES = {
    "6001.01": "主营业务收入-淘宝店", "6001.02": "主营业务收入-京东店", "6001.03": "主营业务收入-自营店",
    "6001.04": "主营业务收入-海外店", "6001.14": "销售退款-海外店", "1002.02": "银行存款-海外户", "6603.09": "汇兑损益",
    "6001.11": "销售退款-淘宝店", "6001.12": "销售退款-京东店", "6001.13": "销售退款-自营店",
    "6603.01": "手续费-支付宝", "6603.02": "手续费-微信支付", "1002.01": "银行存款-基本户",
    "1002.03": "银行存款-自营户", "1002.04": "银行存款-京东户",
    "1122": "应收账款", "1012.99": "其他货币资金-在途", "6602": "管理费用",
}


def bank_accounts(plan: Plan) -> dict[str, str]:
    """Bank accounts and the legal entity of each; dollars are credited to an account of their own."""
    owners = {BANK_ACCOUNTS[entity]: entity for entity in dict.fromkeys(plan.owners)}
    return owners | {US_BANK_ACCOUNT: plan.owners[3]}


def account_of(plan: Plan) -> dict[str, str]:
    """By provider, the bank account that its payouts are credited to."""
    home = {provider: BANK_ACCOUNTS[owner] for provider, owner in zip(PROVIDERS, plan.owners, strict=True)}
    return home | {"cardpay": US_BANK_ACCOUNT}


def owners_of_accounts(plan: Plan) -> dict[str, str]:
    """By ledger account, the legal entity that keeps it."""
    shops, payers = (dict(zip(names, plan.owners, strict=True)) for names in (SHOPS, PROVIDERS))
    return {
        **{account: shops[shop] for names in (SALES_ACCOUNTS, REFUND_ACCOUNTS) for shop, account in names.items()},
        **{account: payers[provider] for provider, account in FEE_ACCOUNTS.items()},
        **{BANK_LEDGERS[account]: owner for account, owner in bank_accounts(plan).items()}, FX_LEDGER: plan.owners[3],
    }
