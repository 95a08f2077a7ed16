"""What commands say, in two languages: every text has its Chinese, and nothing in the catalogue is said by nobody."""

from __future__ import annotations

import ast
import datetime as dt
import logging
import re
import string
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from duizhang.books import load_books
from duizhang.cli import COMMANDS, EXIT_CODES, asked_for, cli, helping
from duizhang.declared.terms import Outcome
from duizhang.errors import BooksError
from duizhang.ingest import load_specs
from duizhang.logs import shown
from duizhang.publish import PeriodOutcome
from duizhang.runs import held_line
from duizhang.speech import language, phrases
from duizhang.speech.folding import width_of
from duizhang.speech.labels import load_labels
from duizhang.speech.language import messages, translated
from duizhang.speech.phrases import in_language, spoken
from tests.test_commands import commands

ENGINE = Path(language.__file__).parents[1]
# texts that are said in English alone, and why; there is none at present
ENGLISH_ONLY: dict[str, str] = {}


def literals() -> tuple[set[str], set[str]]:
    """(texts that are translated where they stand, all texts) of the engine's modules."""
    said, every = set(), set()
    for path in ENGINE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                every.add(node.value)
            if (isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_" and node.args
                    and isinstance(node.args[0], ast.Constant)):
                said.add(str(node.args[0].value))
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "counted":
                said |= {str(text.value) for text in node.args[:2] if isinstance(text, ast.Constant)}
    return said, every


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_has_its_chinese_and_the_same_places() -> None:
    said, every = literals()
    told = {text for text in said if any(c.isalpha() for c in text)} | {text for _, text in COMMANDS.values()} | {t for _, t in EXIT_CODES}
    assert sorted(told - messages().keys() - ENGLISH_ONLY.keys()) == []
    assert sorted(messages().keys() - told - every) == [], "nobody says these"
    assert {text: zh for text, zh in messages().items() if places(text) != places(zh)} == {}


def test_help_and_what_click_says_have_their_chinese() -> None:
    told = set()
    for command in [cli, *{id(c): c for c in every_command(cli)}.values()]:
        told |= {part for part in helping.paragraphs(command.help or "") if not part.startswith("\b")}
        told |= {p.help for p in command.params if isinstance(p, click.Option) and p.help}
    known = helping._catalogue()
    modules = [ast.parse(path.read_text(encoding="utf-8")) for path in Path(click.__file__).parent.glob("*.py")]
    clicks = {node.value for module in modules for node in ast.walk(module) if isinstance(node, ast.Constant)}
    assert sorted(told - known.keys() - messages().keys()) == []
    assert sorted(known.keys() - told - clicks - {"Example:"}) == [], "nobody says these"
    assert {text: zh for text, zh in known.items() if places(text) != places(zh) and text not in told} == {}
    assert {text: zh for text, zh in known.items() if not re.search("[一-鿿]", zh)} == {}


# errors that tell a person what is wrong; whoever raises one has its Chinese in errors.yaml or phrases.yaml
ERRORS = {"UserError", "BooksError", "StateError", "ClosedPeriodError", "Retryable", "SpecError", "RefusedFile"}


def sentences(node: ast.expr, named: dict[str, ast.expr]) -> list[str]:
    """What an error may say, with X in place of its values; nothing of what is a variable as a whole. named: constants of its module."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr():
            return ["".join(str(v.value) if isinstance(v, ast.Constant) else "X" for v in node.values)]
        case ast.IfExp():
            return sentences(node.body, named) + sentences(node.orelse, named)
        case ast.BinOp(op=ast.Add()):
            return [one + other for one in sentences(node.left, named) or ["X"] for other in sentences(node.right, named) or ["X"]]
        case ast.Name(id=name) if name in named:
            return sentences(named[name], {})
        case _:
            return []


_TELLING = ("problems.append", "unreadable.append", "self._add")


def test_every_error_has_its_chinese() -> None:
    """Fails if whoever works in Chinese is told in English what is wrong; names, values and commands alone stay as they are."""
    said: set[str] = set()
    for path in ENGINE.rglob("*.py"):
        module = ast.parse(path.read_text(encoding="utf-8"))
        named = {target.id: node.value for node in module.body if isinstance(node, ast.Assign) for target in node.targets
                 if isinstance(target, ast.Name)}
        for call in (node for node in ast.walk(module) if isinstance(node, ast.Call)):
            if isinstance(call.func, ast.Name) and call.func.id in ERRORS and call.args:
                advice = next((word.value for word in call.keywords if word.arg == "advice"), ast.Constant(""))
                said |= {line for text in (*sentences(call.args[0], named), *sentences(advice, named)) for line in text.splitlines()}
            elif path.name != "auditor.py" and ast.unparse(call.func).endswith(_TELLING):
                # what is wrong with a row of a workbook, behind its place; what `verify` finds (an auditor's script has English alone)
                told = call.args[0].value if isinstance(call.args[0], ast.Starred) else call.args[0]
                told = told.elt if isinstance(told, ast.GeneratorExp) else told
                said |= {part for text in sentences(told, named) for part in text.removeprefix("X: ").split("; ")}
        lists = [node.value for node in ast.walk(module) if isinstance(node, ast.Return) and isinstance(node.value, ast.List)]
        if path.name in ("shown.py", "events.py", "checkpoints.py", "derived.py", "computation.py", "objects.py"):
            said |= {part for found in lists for one in found.elts for text in sentences(one, named) for part in text.split("; ")}
    english = re.compile("[a-z]{2,} [a-z]{2,}")
    assert len(said) > 550
    told = {text: re.sub("`[^`]*`", "", phrases.in_language(text, "zh")) for text in said if english.search(re.sub("`[^`]*`", "", text))}
    assert [text for text, chinese in sorted(told.items()) if not re.search("[一-鿿]", chinese)] == []
    # a sentence whose beginning alone is known, or that is taken for another
    half = {text: chinese for text, chinese in told.items() if re.search("[a-z]{2,} [a-z]{2,} [a-z]{2,}", chinese)}
    assert {text: chinese for text, chinese in half.items() if "cast(" not in text} == {}


def test_a_sentence_is_no_exchange_of_money_because_it_has_the_same_words() -> None:
    assert in_language("b.yaml is not valid YAML: while scanning for the next token", "zh") == \
        "b.yaml 不是有效的 YAML：while scanning for the next token"
    assert in_language("100.00 USD for 1,250.50 CNY", "zh") == "100.00 USD 换 1,250.50 CNY"


def every_command(group: click.Command) -> list[click.Command]:
    if not isinstance(group, click.Group):
        return [group]
    context = click.Context(group)
    below = [command for name in group.list_commands(context) if (command := group.get_command(context, name))]
    return [group, *(found for command in below for found in every_command(command))]


def test_a_language_counts_wherever_it_stands_in_the_line() -> None:
    run = CliRunner().invoke
    for line in (["--help", "--lang", "zh"], ["run", "--help", "--lang", "zh"], ["run", "--lang=zh", "--help"]):
        said = run(cli, line).output
        assert "用法：" in said and "选项：" in said and not re.search("[a-z]{3,} [a-z]{3,} [a-z]{3,}", said.replace("duizhang run", ""))
        assert max(width_of(row) for row in said.splitlines()) <= 80
    assert "不是日期；应如 2026-03-31" in run(cli, ["diff", "2026-13-01", "--lang", "zh"]).output
    assert "没有选项 '--nonsense'" in run(cli, ["status", "--nonsense", "--lang", "zh"]).output
    assert "Usage:" in run(cli, ["run", "--help", "--lang", "en"]).output


@pytest.mark.parametrize(
    ("explicit", "environment", "books", "expected"),
    [
        ("zh", {"DUIZHANG_LANG": "en"}, None, "zh"), ("", {"DUIZHANG_LANG": "zh", "LANG": "en_US.UTF-8"}, "en", "zh"),
        ("", {"LANG": "zh_CN.UTF-8"}, "en", "zh"), ("", {"LC_ALL": "C.UTF-8", "LANG": "zh_CN.UTF-8"}, None, "en"),
        ("", {"LANG": "C.UTF-8"}, "zh", "zh"), ("", {"LANG": "de_DE.UTF-8"}, None, "en"), ("", {}, None, "en"),
    ],
)
def test_the_language_is_said_by_the_nearest_who_says_one(
    monkeypatch: pytest.MonkeyPatch, explicit: str, environment: dict[str, str], books: str | None, expected: str
) -> None:
    for name in ("DUIZHANG_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    language.choose(explicit)
    language.ask_books(lambda: books)
    try:
        assert language.current() == expected
        assert translated("{n} things are wrong", n=2) == ("有 2 处问题" if expected == "zh" else "2 things are wrong")
        assert translated("a text that nobody translated") == "a text that nobody translated"
    finally:
        language.choose("")
        language.ask_books(lambda: None)


def test_every_command_takes_a_language() -> None:
    assert [name for name, command in commands(cli).items() if not any("--lang" in p.opts for p in command.params)] == []
    language.choose("zh")
    try:
        assert "核对并发布一个范围内的期间。" in cli.get_help(click.Context(cli)).replace("\n", "").replace(" ", "")
    finally:
        language.choose("")


def test_a_language_before_the_command_changes_nothing_of_what_it_may_load() -> None:
    for before in ([], ["--lang", "zh"], ["--lang=zh"]):
        assert asked_for([*before, "exceptions", "export", "--home", "x"]) == {"exceptions", "exceptions export"}
        assert "run" in asked_for([*before, "run", "--books", "b.yaml"])
    assert asked_for([]) == {""}


def test_what_a_run_tells_while_it_runs_is_in_chinese() -> None:
    told = {
        "files: 200 of 400 new ones read, 12 a second, about 3 min left", "files: 3 known: 1 read, 1 refused; 2 hidden ones left out",
        "read, but: s/a.csv: control total balance after line 4 of bank states 7, its rows give 8", "2026-03-01 to 2026-03-04:",
        "7 days: 1 held, 2 provisional, 3 published, 1 unchanged", "2026-03-01: file s/a.csv changed (+2 more)",
    }
    for name in ("runs/running", "reconcile/engine", "gate/checking"):
        for call in ast.walk(ast.parse((ENGINE / f"{name}.py").read_text(encoding="utf-8"))):
            if not isinstance(call, ast.Call) or ast.unparse(call.func) not in ("log.info", "log.warning"):
                continue
            if isinstance(call.args[0], ast.Constant):
                text = re.sub(r"(?<=\w)%s", "", str(call.args[0].value))
                told.add(re.sub(r"%d|%\.0f", "7", text.replace("%s", "2026-03-01")))
    with language.speaking("zh"):
        in_english = {line for line in told if re.search("[a-z]{2,} [a-z]{2,}", re.sub("`[^`]*`", "", spoken(line)))}
    assert len(told) > 25 and in_english == set()


def test_a_run_tells_its_lines_in_the_language_that_is_spoken(capsys: pytest.CaptureFixture[str]) -> None:
    check = PeriodOutcome(dt.date(2026, 3, 1), Outcome.HELD, 0, ("orders: no amount is negative / 金额不为负 - 3 rows",))
    assert held_line(check) == "2026-03-01 is held: orders: not so: no amount is negative (3 rows)"
    log, why = logging.getLogger("duizhang.somewhere"), ("control totals of s/a.csv do not tie", "x")
    for one in ("en", "zh"):
        # as whatever command does it, `what-if` and `replay` as well as `run`
        with language.speaking(one), click.Context(cli) as context, context.invoke(lambda: (cli.callback and cli.callback()) or shown()):
            log.info("reconciling")
            log.warning("2026-03-01 is held: control tot… (+1 more)", extra={"period": dt.date(2026, 3, 1), "reasons": why})
    assert capsys.readouterr().err.splitlines() == [
        "  reconciling", "  2026-03-01 is held: control tot… (+1 more)", "  核对",
        "  2026-03-01 暂扣（另有 1 条原因）：s/a.csv 的控制总数不相符",
    ]


def test_what_a_file_is_stands_in_chinese(tmp_path: Path) -> None:
    rows = "Date,Description,Amount\n2026-01-15,abc,12.x\n2026-01-16,abc,\n2026-01-17,abc,-3.50\n"
    (tmp_path / "bank.csv").write_text(rows, encoding="utf-8")
    with language.speaking("zh"):
        said = CliRunner().invoke(cli, ["inspect", str(tmp_path / "bank.csv")], standalone_mode=False).output
    assert "行数：读取 3 = 解析 1 + 隔离 1 + 不计 1" in said and "第 2 行 Amount：'12.x'：不是金额；应最多" in said
    assert "没有金额的行不计入：第 3 行" in said and "没有读全：1 行被拒" in said
    assert [line for line in said.splitlines() if re.search("[a-z]{3,} [a-z]{3,}", line)] == []


MISTAKEN_BOOKS = """entity: x
shops: {a: {platform: shoppify}}
expected: [{source: alipay_trad, shop: b}]
tolerances: {order_paymnt: 1, fee: much}
currency: XXX
time_zone: Asia/Shanghay
"""


def test_every_line_of_mistaken_books_is_told_in_chinese(tmp_path: Path) -> None:
    (tmp_path / "books.yaml").write_text(MISTAKEN_BOOKS, encoding="utf-8")
    with pytest.raises(BooksError) as caught:
        load_books(tmp_path / "books.yaml")
    with language.speaking("zh"):
        lines = spoken(str(caught.value)).split("\n")
    assert len(lines) >= 7
    assert [line for line in lines if not re.search("[一-鿿]", line) or re.search("[a-z]{3,} [a-z]{3,}", line)] == []


def test_a_sentence_within_another_that_nobody_knows_gives_way_to_one_that_is_known_whole() -> None:
    with language.speaking("zh"):
        assert spoken("2026-03-05: the maker has not signed this version yet") == "2026-03-05：制单人还没有为这一版本签字"


# what the readers of statements say of their totals and rows
OF_STATEMENTS = (
    "closing balance S1", "closing balance S1, which its rows give where reversals count the other way round", "sum of credits S1",
    "net of entries S1", "transactions in batches S1", "balance brought forward to A/2", ":62F:, the closing balance, at the end of 1",
    "number of debits X/1", "credits X/1", "times that statement X/1 of 123 stands in it", "control total 01 in group 1",
    "records of file", "accounts of group 1", "trailers 98 of group 1", "</OFX> at the end of the file",
    "transactions that stand there twice under one FITID", "transactions that replace or delete another (CORRECTFITID)",
    "group 1, which takes back what was sent",
    "group 1, which is a test", "entries in another currency than their account S1", "currencies of the balances of A/1",
    "a transaction without DTPOSTED; expected such as 20260301120000",
    "no record of BAI2; expected one that begins with 01 and a comma",
    "not a readable :61: line (the amount has more than 15 characters); expected such as 2603010301C16,50NTRFREF//BANKREF",
    "amount '***' is none; expected digits in the smallest unit, without a point",
    "type code '999' is neither credit (1xx-3xx) nor debit (4xx-6xx)", "Amt '***' is no amount; expected digits such as 1234.50",
    "without BookgDt, ValDt and CreDtTm; expected a date", "the file ends within this transaction; download it again",
)
# called as the file itself calls them
OWN_NAMES = {"total-amount", "Uznania", "Obciążenia", "Original Amount Due", "Montante Bruto", "Montante Líquido", "Invoice Amount"}


def test_every_total_of_a_file_has_a_chinese_name() -> None:
    said = {*OF_STATEMENTS, *(total.name for spec in load_specs().values() for total in spec.totals)} - OWN_NAMES
    assert sorted(text for text in said if not re.search("[一-鿿]", in_language(text, "zh"))) == []
    rows = "rows that name no currency, in CNY as the books, although the account is in NL, where money is EUR"
    assert in_language(rows, "zh") == "未写明币种、按账套计为 CNY 的行，然而该账户属于 NL，当地货币为 EUR"


def test_what_there_is_one_of_is_said_in_the_singular() -> None:
    for text, values, said in (
        ("{n} days are current", {"n": 1}, "1 day is current"), ("{n} days are current", {"n": 21}, "21 days are current"),
        ("Held: {days} ({n} days).", {"days": "1 to 3", "n": 3}, "Held: 1 to 3 (3 days)."), ("{n} more days", {"n": 1}, "1 more day"),
        ("{n} cells that were not read", {"n": 1}, "1 cell that was not read"),
    ):
        assert language.of_one(text, values).format(**values) == said
    for text, said in (
        ("1 rows of 2026-03-01 stand in newer files", "1 row of 2026-03-01 stands in newer files"),
        ("a.csv: 1 rows were rejected", "a.csv: 1 row was rejected"),
        ("the words are left in 1 longer texts", "the words are left in 1 longer text"),
        *[(same, same) for same in ("11 rows were rejected", "1.1 rows", "2026-03-1 rows", "line 1 states 7")],
    ):
        assert in_language(text, "en") == spoken(text) == said
    counted = [*messages(), *(entry["en"] for entry in load_labels()["text"].values())]
    plural = re.compile(r"\{n\} (?:(?!of )[a-z]+ )?(?!does|has|was|names|stands|agrees)[a-z]{2,}[^s\W]s\b|"
                        r"\{n\} [a-z]+ (?:are|were|have|do|name|stand|agree)\b")
    assert [text for text in counted if plural.search(language.of_one(text, {"n": 1}))] == []
