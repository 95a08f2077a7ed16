"""`duizhang init`: from a folder of bills to a first books.yaml."""

from __future__ import annotations

import shlex
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from duizhang.cli.answers import answer, json_option
from duizhang.cli.cells import screen_width, table_text, wrapped
from duizhang.cli.options import typed
from duizhang.cli.progress import Progress
from duizhang.errors import BooksError, UserError
from duizhang.speech.language import translated as _
from duizhang.speech.phrases import spoken

if TYPE_CHECKING:
    from duizhang.drafting import Answers, Bill, Folder, Question, Shops


@click.command("init")
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--out", type=click.Path(path_type=Path), help="Where to write. Default: books.yaml in FOLDER.")
@click.option("--entity", default="", help="What the books are called.")
@click.option("--time-zone", "time_zone", default="", help="Where a business day begins, such as Asia/Shanghai.")
@click.option("--currency", default="", help="The currency of the books, such as CNY.")
@click.option("--copy", "copies", is_flag=True, help="Also copy each file to where it belongs below inbox/. Nothing is moved or replaced.")
@click.option("--yes", "-y", is_flag=True, help="Ask nothing; what files do not say stays marked as a question.")
@json_option
def command(
    folder: Path, out: Path | None, entity: str, time_zone: str, currency: str, *, copies: bool, yes: bool, as_json: bool
) -> None:
    """Look at the files of FOLDER (default: this one), recognise them by content, and draft a books.yaml for them.

    Every entry of the draft says what it rests on; what no file can tell is asked on a terminal, and else stands in the draft
    marked QUESTION. An existing books.yaml is never overwritten, and no file is moved.
    """
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}", advice="Give the folder with your bills: `duizhang init FOLDER`.")
    root = folder.resolve().parent if folder.resolve().name == "inbox" else folder
    target = out or root / "books.yaml"
    drafts = not (copies and target.exists())  # a draft is there already, perhaps corrected: its shops say where files belong
    if drafts and target.exists():
        raise UserError(
            f"{target} exists and is not overwritten",
            advice=f"Another draft: `duizhang init {typed(folder)} --out draft.yaml`, then compare.")
    given = {"entity": entity, "time_zone": time_zone, "currency": currency}
    asks = not yes and not as_json and sys.stdin.isatty()
    found, shops, answers = _looked(folder, root, {key: value for key, value in given.items() if value}, asks=asks)
    from duizhang.drafting import books_text, place_of

    if drafts:
        _check(root, answers)
        text = books_text(found, shops, answers)
        with target.open("x", encoding="utf-8") as handle:
            handle.write(text)
    else:
        text = _fits(target, shops)
    places = {bill.name.partition("::")[0]: place_of(bill, found, shops) for bill in found.bills}
    placed = _copy(found, places) if copies else []
    if as_json:
        answer(_json(found, shops, target, places, _asked(text), placed), (), as_json=True)
        return
    for line in _told(found, shops, places, target, _asked(text), copied=placed if copies else None, drafted=drafts):
        click.echo(line)


def _asked(text: str) -> list[str]:
    """The questions that a draft leaves open."""
    from duizhang.drafting import open_lines

    return [_("line {line}: {asked}", line=number, asked=asked) for number, asked in open_lines(text)]


def _check(root: Path, answers: Answers) -> None:
    """Raises BooksError for an answer that books.yaml would not take."""
    from pydantic import ValidationError

    from duizhang.books import Books

    try:
        Books.model_validate({"root": root, "start": "2000-01-01", **answers.values})
    except ValidationError as error:
        said = [f"{e['loc'][-1] if e['loc'] else 'books'} {e['input']!r}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        raise BooksError("; ".join(said), advice="Nothing was written; give another answer.") from error


def _fits(target: Path, shops: Shops) -> str:
    """The text of a books.yaml that is there, whose shops have to be those of the files."""
    from duizhang.books import load_books

    if strange := sorted(set(shops.shops) - set(load_books(target).shops)):
        raise UserError(
            f"{target} has no shop {', '.join(strange)}, and files seem to be of it, so nothing is copied",
            advice="Put the files into inbox/<shop id>/ yourself, or write another draft with --out.")
    return target.read_text(encoding="utf-8")


def _looked(folder: Path, root: Path, given: dict[str, str], *, asks: bool) -> tuple[Folder, Shops, Answers]:
    """The folder, read by the zone that is said or found, and the answers to what it leaves open."""
    from duizhang.drafting import Answers, clocks, find_shops, look_at, questions, zone_question
    from duizhang.ingest import load_specs

    specs = load_specs(root / "sources")
    zone, because, question = zone_question(clocks(folder, specs))
    values, reasons, unanswered = dict(given), dict.fromkeys(given, _("said when this was drafted")), set[str]()

    def answer(asked: Question) -> None:
        if asked.key in values:
            return
        said = _ask(asked) if asks else ""
        values[asked.key] = said or asked.default
        reasons[asked.key] = _("said when this was drafted") if said else f"{asked.text}." + (f" ({asked.hint})" if asked.hint else "")
        if not said:
            unanswered.add(asked.key)

    if question:
        answer(question)
    elif "time_zone" not in values:
        values["time_zone"], reasons["time_zone"] = zone, because
    with Progress("files", unit="files") as progress:
        found = look_at(folder, specs, values["time_zone"], progress.at)
    if not found.paths and not found.refused:
        raise UserError(f"there are no files in {folder}", advice="Put the bills of some days there, and run it again.")
    known, why, asked = questions(found)
    for key, value in known.items():
        if key not in values:
            values[key], reasons[key] = value, why[key]
    for one in asked:
        answer(one)
    return found, find_shops(found), Answers(values, reasons, frozenset(unanswered))


def _ask(question: Question) -> str:
    """The answer of a person; the default is theirs when they confirm it."""
    if question.hint:
        click.echo(f"  {question.hint}", err=True)
    return str(click.prompt(f"{question.key}: {question.text}", default=question.default, err=True)).strip()


def _copy(found: Folder, places: dict[str, str]) -> list[str]:
    """Copy what is not where it belongs; what stands there already stays as it is."""
    done = []
    for name, place in places.items():
        source, target = found.paths[name], found.root / place
        if source.resolve() != target.resolve() and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
            done.append(place)
    return done


def _told(
    found: Folder, shops: Shops, places: dict[str, str], target: Path, asked: list[str], *, copied: list[str] | None,
    drafted: bool,
) -> Iterator[str]:
    yield from _files(found, shops)
    yield from _belonging(found, places, copied)
    where = _("drafted {path}", path=target) if drafted else _("as it was: {path}", path=target)
    yield from ("", where + (_("; {n} questions are open in it:", n=len(asked)) if asked else ""))
    yield from (part for line in asked for part in wrapped(line, screen_width(), lines=None))
    if steps := [*_proposing(found, target), *_next(found, shops, target)]:
        yield from ("", _("next: {command}", command=steps[0]), *(f"      {step}" for step in steps[1:]))


def _files(found: Folder, shops: Shops) -> Iterator[str]:
    """What was recognised, and what was not read and why."""
    from duizhang.drafting import days_text, repeated

    known = len({bill.name.partition("::")[0] for bill in found.bills})
    yield _("{files} files: {known} recognised, {refused} not, {twice} twice", files=len(found.paths), known=known,
            refused=len(found.refused), twice=len(found.copies))
    yield ""
    if found.bills:
        rows = [
            [bill.name, bill.spec.name, bill.rows, days_text(bill.days), shops.shop_of(bill) or "company",
             _doubt(bill, repeated(bill, found, shops))]
            for bill in found.bills
        ]
        yield table_text([_("file"), _("kind"), _("rows"), _("days"), _("of"), _("noted")], rows, width=max(screen_width(), 80))
    not_read = [f"  {name}: {spoken(reason)}" for name, reason in sorted(found.refused.items())]
    not_read += [f"  {name}: " + _("same content as {other}", other=other) for name, other in sorted(found.copies.items())]
    if not_read:
        yield from ("", _("Not read ({n}):", n=len(not_read)))
        yield from (part for line in not_read for part in wrapped(line.strip(), screen_width(), lines=None))
    if found.beside:
        yield from ("", _("Beside the inbox, so not looked at: {names}", names=", ".join(found.beside)))


def _belonging(found: Folder, places: dict[str, str], copied: list[str] | None) -> Iterator[str]:
    """Where files belong: what was copied there (None: nothing was asked for), or what to type."""
    if copied is not None:
        counts = Counter(f"{Path(place).parent}/" for place in copied)
        if copied:
            yield from ("", _("copied {n} files to where they belong", n=len(copied)), *(f"  {at} {n}" for at, n in sorted(counts.items())))
        return
    moves = {name: place for name, place in places.items() if found.paths[name].resolve() != (found.root / place).resolve()}
    if moves:
        folders = sorted({str(Path(place).parent) for place in moves.values()})
        yield from ("", _("A run reads {folder}. There these files belong (--copy copies them, or type):", folder=found.root / "inbox"), "")
        yield f"  cd {shlex.quote(str(found.root))}"
        yield f"  mkdir -p {' '.join(map(shlex.quote, folders))}"
        for name, place in moves.items():
            yield f"  cp {shlex.quote(str(found.paths[name].relative_to(found.root)))} {shlex.quote(place)}"


def _proposing(found: Folder, target: Path) -> list[str]:
    """What to do about the first file of a kind that nobody knows."""
    nobody = next((name for name, reason in sorted(found.refused.items()) if "no source specification fits" in reason), None)
    if nobody is None:
        return []
    out = target.parent / "sources" / "mine_orders.yaml"
    again = f"rm {typed(target)} && duizhang init {typed(found.root)} --copy"
    return [f"duizhang source new {typed(found.paths[nobody])} --name mine_orders --out {typed(out)}",
            _("  where it is a list of orders or a bill. Look at what it proposes, then draft again: {command}", command=again)]


def _next(found: Folder, shops: Shops, target: Path) -> list[str]:
    """The commands that lead to a first report."""
    from duizhang.drafting import last_whole_day

    if not found.days:
        return []
    command, first, last = f"--books {typed(target)}", found.days[0], last_whole_day(found, shops) or found.days[-1]
    return [f"duizhang plan {command}", f"duizhang run {command} --from {first} --to {last}", "duizhang status", "duizhang report"]


def _doubt(bill: Bill, others: list[str]) -> str:
    """What is not as it should be with a bill."""
    said = [_("{n} rows rejected", n=bill.quarantined) if bill.quarantined else "",
            _("{n} totals do not tie", n=bill.loose) if bill.loose else "", "" if bill.tables else _("feeds no table"),
            _("states the same days as {others}; the newest counts", others=", ".join(others)) if others else ""]
    return ", ".join(part for part in said if part)


def _json(
    found: Folder, shops: Shops, target: Path, places: dict[str, str], asked: list[str], copied: list[str]
) -> dict[str, Any]:
    from duizhang.drafting import last_whole_day

    return {
        "books": str(target), "from": str(found.days[0]) if found.days else None,
        "to": str(last_whole_day(found, shops) or found.days[-1]) if found.days else None,
        "files": [
            {"file": bill.name, "source": bill.spec.name, "shop": shops.shop_of(bill), "rows": bill.rows,
             "rows_quarantined": bill.quarantined, "totals_that_do_not_tie": bill.loose,
             "days": sorted(map(str, bill.days)), "belongs": places[bill.name.partition("::")[0]]}
            for bill in found.bills
        ],
        "not_read": [{"file": name, "reason": reason} for name, reason in sorted(found.refused.items())],
        "copies": [{"file": name, "same_as": other} for name, other in sorted(found.copies.items())],
        "beside": list(found.beside), "questions": asked, "copied": copied,
    }
