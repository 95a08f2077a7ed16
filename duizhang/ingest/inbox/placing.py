"""Whose a file is: what its folder says, held against what books.yaml knows. A guess is never made: what is unclear is refused."""

from __future__ import annotations

from dataclasses import dataclass

from duizhang.books import Books
from duizhang.ingest.specification import SourceSpec
from duizhang.spelling import nearest

COMPANY = "company"
DATABASES = "databases"  # where the pulls of the company's own databases stand
# rows of these are of a shop; where the file itself does not say which, its folder has to
_OF_A_SHOP = frozenset({"orders", "payments", "refunds", "settlements", "payouts", "platform_statements"})


@dataclass(frozen=True)
class Placed:
    """The shop of a file ('' for the company's own) and why its place does not say so."""

    shop: str
    problem: str = ""
    in_root: bool = False


def placed(name: str, books: Books) -> Placed:
    """Whose a file of the inbox is, by its folder."""
    folder, inside, _ = name.partition("/")
    if not inside:
        return Placed("", in_root=True)
    if folder in books.shops or folder in books.shared_accounts:
        return Placed(folder)
    if folder == COMPANY or (folder == DATABASES and books.databases):
        return Placed("")
    known = [*books.shops, *books.shared_accounts, COMPANY]
    close = nearest(folder, known)
    hint = f"; did you mean {close!r}?" if close else ""
    return Placed(
        "", f"the folder {folder!r} is no shop of books.yaml{hint} (Move the file to inbox/<shop id>/, or to inbox/{COMPANY}/ "
        f"where it is the company's own; known: {', '.join(known)}.)")


def misplaced(at: Placed, spec: SourceSpec | None, *, has_shops: bool) -> str:
    """Why a file of this kind cannot stand where it does; '' where all is well. has_shops: whether the books have any: rows of no shop
    would be held against nothing."""
    if at.problem or at.shop or not (at.in_root or has_shops):
        return at.problem
    if spec is not None and spec.tables and not is_of_a_shop(spec):
        return ""
    if not at.in_root:
        return "" if spec is None else (
            f"it stands among what is the company's own, and {spec.name} is a shop's (Move it to inbox/<shop id>/, or name the shop of the "
            "database; an account of several shops is one of shared_accounts in books.yaml, with a folder of its name.)")
    kind = spec.name if spec else "the file"
    instead = f"or to inbox/{COMPANY}/"
    if spec is not None and has_shops:
        instead = "or, of an account of several shops, to the folder of its entry in shared_accounts"
    return f"it stands in no folder, and {kind} is a shop's (Move it to inbox/<shop id>/, {instead}.)"


def is_of_a_shop(spec: SourceSpec) -> bool:
    """Whether the rows of a kind of file belong to a shop that they do not name."""
    return any(table.table in _OF_A_SHOP and "shop" not in table.columns for table in spec.tables)
