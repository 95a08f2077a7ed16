"""Accounts of statements against those of books.yaml: whose money it is follows from the account, and some files name none."""

from __future__ import annotations

from collections.abc import Iterable

from duizhang.books import Books
from duizhang.ingest import FileRecord
from duizhang.ingest.files import READ
from duizhang.speech.language import translated as _

_NAMED = 3  # files that are named


def is_number(account: str) -> bool:
    """Whether it is an account's own number, and not what all files are called that name none."""
    return any(ch.isdigit() for ch in account)


def unmet_accounts(books: Books, records: Iterable[FileRecord]) -> list[tuple[str, str]]:
    """What is wrong with whose the accounts are, each with what to do; in the language of whoever asks."""
    of_accounts: dict[str, list[FileRecord]] = {}
    for record in records:
        for account in record.bank_accounts() if record.status == READ else ():
            of_accounts.setdefault(account, []).append(record)
    if not of_accounts:
        return []
    owners, found = books.bank_account_owners, []
    for account in sorted(owners.keys() - of_accounts.keys()):
        found.append((
            _("no statement is of the account {account} of bank_accounts; those that were read are of {known}", account=account,
              known=", ".join(sorted(of_accounts))),
            _("Write it as the statements have it.")))
    several = len({books.entity, *(books.entity_of(shop) for shop in books.shops)}) > 1
    for account, files in sorted(of_accounts.items()):
        if is_number(account):
            continue
        of_company = [record.path for record in files if not record.shop]
        if several and of_company and account not in owners:
            found.append((
                _("{files} name no number of an account and count as one account, {account}, of {entity}", account=account,
                  files=_listed(of_company), entity=books.entity),
                _("Put those of another entity into inbox/<shop id>/ of a shop of it; where all are of one, say so in bank_accounts.")))
        for record in files:
            entity = books.entity_of(record.shop)
            if record.shop and owners.get(account, entity) != entity:
                found.append((
                    _("{file} stands with {entity}, and bank_accounts gives its account {account} to {owner}, whose it counts as",
                      file=record.path, entity=entity, account=account, owner=owners[account]),
                    _("Take {account} out of bank_accounts, or move the file.", account=account)))
    return found


def _listed(names: list[str]) -> str:
    more = _(" and {n} more", n=len(names) - _NAMED) if len(names) > _NAMED else ""
    return ", ".join(sorted(names)[:_NAMED]) + more
