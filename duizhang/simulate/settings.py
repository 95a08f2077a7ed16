"""books.yaml of the simulated company and the key of its pseudonyms."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

import yaml

from duizhang.layout import SOURCES
from duizhang.secrecy.pseudonym_key import SEED, PersonKey, Tree
from duizhang.simulate.chart import (
    ACCOUNT_NAMES,
    BANK_LEDGERS,
    FEE_ACCOUNTS,
    FX_LEDGER,
    POLICY_ACCOUNT,
    POLICY_DAY,
    POLICY_PERCENT,
    REFUND_ACCOUNTS,
    SALES_ACCOUNTS,
    US_BANK_ACCOUNT,
    bank_accounts,
    owners_of_accounts,
)
from duizhang.simulate.rates import rate_cards
from duizhang.simulate.shops import ALIPAY_ACCOUNT
from duizhang.simulate.world import Plan

_SHOP_FILES = {
    "tb-01": ("taobao_orders", "taobao_order_lines", "alipay_trade", "alipay_fund", "platform_statement"),
    "jd-01": ("jd_orders", "jd_settlement", "platform_statement"),
    "wx-01": ("wechat_trade", "wechat_fund"),
    "us-01": ("platform_settlement",),
}
_COMPANY_FILES = ("books_orders", "books_refunds", "books_skus", "books_fx_rates", "wms_moves", "wms_snapshot", "wms_count",
                  "shop_stock", "sf_bill", "bank_mt940", "kingdee_journal")
# how a specification says that rows are in yuan which do not say so themselves
_IN_YUAN = re.compile(r"^currency: CNY$|'CNY'|\bdefault: CNY\b", re.MULTILINE)


def books_yaml(plan: Plan) -> str:
    """The text of books.yaml: shops, expected files, SLAs, accounts, rate cards."""
    start = plan.start
    accounts: dict[str, dict[str, str]] = {}
    for measure, names in (("sales", SALES_ACCOUNTS), ("sales_refunds", REFUND_ACCOUNTS)):
        for shop, account in names.items():
            accounts[account] = {"name": ACCOUNT_NAMES[account], "measure": measure, "shop": shop}
    for provider, account in FEE_ACCOUNTS.items():
        accounts[account] = {"name": ACCOUNT_NAMES[account], "measure": "provider_fees", "provider": provider}
    for bank_account in bank_accounts(plan):
        account = BANK_LEDGERS[bank_account]
        accounts[account] = {"name": ACCOUNT_NAMES[account], "measure": "bank", "bank_account": bank_account}
    accounts[FX_LEDGER] = {"name": ACCOUNT_NAMES[FX_LEDGER], "measure": "fx_gain_loss", "bank_account": US_BANK_ACCOUNT}
    for account, owner in owners_of_accounts(plan).items():
        if "provider" in accounts.get(account, {}) and owner != plan.owners[0]:
            accounts[account]["entity"] = owner
    houses = plan.warehouses
    content: dict[str, Any] = {
        "books": 1, "entity": "demo", "name": "演示公司", "time_zone": "Asia/Shanghai", "cut_off": "00:00",
        "currency": plan.currency, "start": start, "inbox": "inbox",
        "pseudonym_key": {"file": "pseudonym.key"},
        "shops": {
            "tb-01": {"platform": "taobao", "name": "淘宝店", "provider": "alipay", "warehouse": houses[0],
                      "accounts": [ALIPAY_ACCOUNT]},
            "jd-01": {"platform": "jd", "name": "京东店", "provider": "jd", "warehouse": houses[1], **_owner(plan, 1)},
            "wx-01": {"platform": "own", "name": "自营小程序", "provider": "wechat", "warehouse": houses[2], **_owner(plan, 2),
                      "accounts": ["1900000001"]},
            "us-01": {"platform": "own", "name": "海外独立站", "provider": "cardpay", "warehouse": houses[3],
                      **_owner(plan, 3), "currency": "USD"},
        },
        "bank_accounts": bank_accounts(plan),
        "expected": [{"source": source, "shop": shop, "from_day": start}
                     for shop, sources in _SHOP_FILES.items() for source in sources]
        + [{"source": source, "from_day": start} for source in _COMPANY_FILES],
        "sla_days": {"order_platform": 1, "order_payment": 1, "order_shipment": 2, "payment_settlement": 1,
                     "payment_settlement/jd": 3, "payout_bank": 2, "stock": 1, "ledger": 1, "fee": 1, "fee/jd": 3,
                     "freight": 1, "return_refund": 2, "finance": 1, "customer": 1},
        "accounts": accounts,
        "rate_cards": rate_cards(plan),
    }
    if plan.break_rate > 0:
        content["policy_changes"] = [
            {"leg": "ledger", "key": POLICY_ACCOUNT, "from_day": plan.date(POLICY_DAY), "percent": str(POLICY_PERCENT),
             "description": "微信支付手续费按扣除预计返还后的金额计提"},
        ]
    return yaml.safe_dump(content, allow_unicode=True, sort_keys=False)


def _owner(plan: Plan, shop: int) -> dict[str, str]:
    """The entity of a shop, where it is not that of the books."""
    return {} if plan.owners[shop] == plan.owners[0] else {"entity": plan.owners[shop]}


def pseudonym_key(plan: Plan) -> str:
    """The key of the pseudonyms: it follows from the seed, and people can be taken out of it as of any other."""
    mac, root = (hashlib.sha256(f"duizhang simulation {what} {plan.seed}".encode()).digest() for what in ("mac", "root"))
    return PersonKey(mac, (Tree(root[:SEED]),)).text().strip()


def write_sources(out: Path, plan: Plan) -> None:
    """Specifications beside books.yaml for the channels that know yuan alone: their layouts, in the currency at home."""
    if plan.currency == "CNY":
        return
    for name in sorted({name for names in (*_SHOP_FILES.values(), _COMPANY_FILES) for name in names}):
        channel, _, kind = name.partition("_")
        shipped = SOURCES / channel / f"{kind}.yaml"
        text = shipped.read_text(encoding="utf-8") if shipped.is_file() else ""
        if _IN_YUAN.search(text):
            path = out / "sources" / f"{name}.yaml"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.replace("CNY", plan.currency), encoding="utf-8")


def write_settings(out: Path, plan: Plan) -> None:
    """books.yaml, and a pseudonym key that follows from the seed (made-up people only)."""
    write_sources(out, plan)
    (out / "books.yaml").write_text(books_yaml(plan), encoding="utf-8")
    key = out / "pseudonym.key"
    key.write_text(pseudonym_key(plan) + "\n")
    key.chmod(0o600)
