"""What a company declares in books.yaml: its shops, accounts, goods, what has to come and who may do what."""

from typing import TYPE_CHECKING

from duizhang.doors import opened_by_need

if TYPE_CHECKING:
    from duizhang.books.books_entries import (
        Account,
        BankAccount,
        Counterparty,
        Database,
        FeeBilling,
        FxRate,
        Instalments,
        JournalAccounts,
        PolicyChange,
        PseudonymKey,
        RateCard,
        RateTier,
        Retention,
        Shop,
        SourceReading,
        StockAllocation,
    )
    from duizhang.books.books_file import TRANSIT_DAYS, Books, load_books
else:
    __getattr__ = opened_by_need(__name__)

__all__ = [
    "TRANSIT_DAYS",
    "Account",
    "BankAccount",
    "Books",
    "Counterparty",
    "Database",
    "FeeBilling",
    "FxRate",
    "Instalments",
    "JournalAccounts",
    "PolicyChange",
    "PseudonymKey",
    "RateCard",
    "RateTier",
    "Retention",
    "Shop",
    "SourceReading",
    "StockAllocation",
    "load_books",
]
