"""The pages of the documentation that are made from the code as the site is built, so that none can go stale: every published table
and column, every leg, cause, check and command; and the README, which begins the site in each language. A hook of mkdocs.yml."""

from __future__ import annotations

import html
import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

ROOT = Path(__file__).resolve().parents[1]
Language = Literal["en", "zh"]
_MERMAID = re.compile(r"```mermaid\nflowchart \w+\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\[([^\]]*)\]\(((?!https?://|#|mailto:)[^)\s]+)\)")
# pages of the site that stand outside of docs/
_TOP = {
    "README.md": "index.md", "README.zh.md": "zh/index.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md", "DECISIONS.md": "DECISIONS.md", "CHANGELOG.md": "CHANGELOG.md",
}
# what pages of docs/ lead to in a checkout, and the page that is made of it here
_MADE_OF = {
    "duizhang/reconcile/causes.yaml": "reference/causes.md", "duizhang/declared/legs.yaml": "reference/legs.md",
    "expectations": "reference/checks.md", "duizhang/declared/dictionary.yaml": "reference/tables.md",
}


def pages() -> dict[str, str]:
    """Every page that is made here, by its place in the site."""
    made = {"reference/tables.md": tables(), "reference/commands.md": commands()}
    for language, folder in (("en", "reference"), ("zh", "zh/reference")):
        made |= {f"{folder}/causes.md": causes(language), f"{folder}/legs.md": legs(language), f"{folder}/checks.md": checks(language)}
    return made | {place: _moved((ROOT / name).read_text(encoding="utf-8"), place) for name, place in _TOP.items()}


def tables() -> str:
    """Every published table and view with each of its columns, as their comments in the database have them."""
    import duckdb

    from duizhang.declared.dictionary import load_dictionary, table_meaning
    from duizhang.declared.schema import TABLES as CANONICAL
    from duizhang.home.published import CAUSES, PERIOD_STATUS, TABLES
    from duizhang.home.store import duck_type
    from duizhang.publish.metrics import OF, VIEWS

    words = load_dictionary()

    def section(name: str, columns: dict[str, str]) -> str:
        shown = ((f"`{column}`", kind.lower(), _text(words.column(OF.get(name, name), column) or "")) for column, kind in columns.items())
        return f"## {name}\n\n{_text(table_meaning(name))}\n\n{_table(('column', 'type', 'meaning'), shown)}"

    sections = []
    with duckdb.connect() as con:
        for name, schema in {**TABLES, "period_status": PERIOD_STATUS, "causes": CAUSES}.items():
            columns = {column.name: duck_type(column.type) for column in schema}
            if name in TABLES:
                columns = {"period": columns["period"], "version": "bigint", **columns}
            listed = ", ".join(f'"{column}" {kind}' for column, kind in columns.items())
            con.execute(f'create table "{name}" ({listed})')
        for name, query in VIEWS.items():
            con.execute(f'create view "{name}" as {query}')
        for name in sorted({*TABLES, *VIEWS, "period_status", "causes"}):
            sections.append(section(name, dict(con.execute(f'select column_name, column_type from (describe "{name}")').fetchall())))
        filled = [section(name, {column.name: duck_type(column.type) for column in schema}) for name, schema in CANONICAL.items()]
    return "\n".join([
        "# Tables and columns\n",
        "What `published.duckdb` holds. Every table of days has `period`, the business day, and `version`, the version of that day that is",
        "shown. difference = left - right. Amounts add up within a `currency`; `PCS` are pieces.\n",
        *sections,
        "# Tables that sources fill\n",
        "What the rows of every file become before anything is reconciled; [Sources](../sources.md) says which file fills which.\n",
        *filled,
    ])


def causes(language: Language) -> str:
    """The closed list of causes in the order in which their rules are tried."""
    from duizhang.reconcile import load_causes
    from duizhang.yaml_reading import load_yaml

    who = load_yaml((ROOT / "duizhang" / "speech" / "labels.yaml").read_text(encoding="utf-8"))["who"]
    found = load_causes().values()
    if language == "zh":
        head = "# 原因\n\n封闭的原因清单，按规则尝试的顺序排列；第一条成立的规则认定一项差异的原因。\n"
        return head + "\n" + _table(("原因", "名称", "由谁处理", "做什么", "依据"), (
            (f"`{c.name}`", c.zh, who[c.who]["zh"], _text(c.action_zh), _text(c.tells_zh)) for c in found))
    head = "# Causes\n\nThe closed list, in the order in which the rules are tried: the first that holds names the cause of a difference.\n"
    return head + "\n" + _table(("cause", "label", "who acts", "what to do", "what shows it"), (
        (f"`{c.name}`", c.en, who[c.who]["en"], _text(c.action), _text(c.tells)) for c in found))


def legs(language: Language) -> str:
    """What is held against what, with the days that a counterpart may take, and the grain of its claims."""
    from duizhang.declared.legs import load_legs
    from duizhang.layout import SQL

    heads = {"en": ("# Legs", ("leg", "label", "days that its counterpart may take (default)", "its claims")),
             "zh": ("# 对账关系", ("对账关系", "名称", "对方允许的天数（默认）", "它的主张（claims，英文）"))}
    title, columns = heads[language]
    rows = ((f"`{name}`", leg.zh if language == "zh" else leg.en, str(leg.sla_days), _text(_header(SQL / "claims" / f"{name}.sql")))
            for name, leg in load_legs().items())
    return f"{title}\n\n{_table(columns, rows)}"


def checks(language: Language) -> str:
    """Every expectation of every suite: what must hold, and whether a day is held where it does not."""
    from duizhang.gate.suites import load_suites

    parts = {
        "en": ["# Checks\n", "A day on which a critical check fails is held and not published; a warning is recorded.\n"],
        "zh": ["# 检查\n", "有一项严重（critical）检查不通过的那天会被暂扣，不发布；警告（warning）只作记录。\n"],
    }[language]
    columns = {"en": ("check", "what must hold", "severity"), "zh": ("检查", "必须成立的内容", "级别")}[language]
    for table, suite in load_suites().items():
        rows = ((f"`{e.name}`", _text(e.meta.zh if language == "zh" else e.meta.en), e.meta.severity) for e in suite.expectations)
        parts.append(f"## {table}\n\n{_table(columns, rows)}")
    return "\n".join(parts)


def commands() -> str:
    """Every command with its help, as `--help` prints it."""
    import click

    from duizhang.cli import cli

    def below(group: click.Group, context: click.Context) -> Iterator[tuple[str, str]]:
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is None:
                continue
            own = click.Context(command, info_name=name, parent=context, terminal_width=100, max_content_width=100)
            yield own.command_path, command.get_help(own)
            if isinstance(command, click.Group):
                yield from below(command, own)

    parts = ["# Every command\n", "As `--help` prints it. Language, JSON, exit codes and completion: [Commands](../commands.md).\n"]
    context = click.Context(cli, info_name="duizhang", terminal_width=100, max_content_width=100)
    parts += [f"## {path}\n\n```\n{text}\n```\n" for path, text in below(cli, context)]
    return "\n".join(parts)


def _header(path: Path) -> str:
    """The comment that a SQL file begins with."""
    lines = takewhile(lambda line: line.startswith("--"), path.read_text(encoding="utf-8").splitlines())
    return " ".join(line.removeprefix("--").strip() for line in lines)


def _text(text: str) -> str:
    """Words as they are, with nothing in them that Markdown would read as its own."""
    return re.sub(r"([*_`|\[\]])", r"\\\1", html.escape(" ".join(text.split()), quote=False))


def _table(columns: tuple[str, ...], rows: Iterator[tuple[str, ...]]) -> str:
    lines = [columns, tuple("---" for _ in columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _moved(text: str, place: str) -> str:
    """A page from the top of the repository with its links as they lead from its place in the site; what is no page keeps its words."""
    up = "../" * place.count("/")

    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        path, _, anchor = target.partition("#")
        if path in _TOP:
            return f"[{words}]({up}{_TOP[path]}{'#' * bool(anchor)}{anchor})"
        if path.startswith("docs/") and (ROOT / path).is_file():
            return f"[{words}]({up}{path.removeprefix('docs/')}{'#' * bool(anchor)}{anchor})"
        return words

    return _LINK.sub(link, text)


def _inside(text: str, place: str) -> str:
    """A page of docs/ with links to what stands outside of it leading to its place in the site, or to nothing where it has none."""
    folder = (ROOT / "docs" / place).parent

    def link(found: re.Match[str]) -> str:
        words, target = found.groups()
        outside = (folder / target).resolve()
        if outside.is_relative_to(ROOT / "docs"):
            return found.group()
        name = outside.relative_to(ROOT).as_posix() if outside.is_relative_to(ROOT) else ""
        if name in _MADE_OF:  # stands in the same place below zh/, where it is made in Chinese as well
            return f"[{words}]({_MADE_OF[name]})"
        return f"[{words}]({'../' * place.count('/')}{_TOP[name]})" if name in _TOP else words

    return _LINK.sub(link, text)


def _graph(found: re.Match[str]) -> str:
    """A drawing of arrows as a table, as what draws it in a browser would be fetched from elsewhere."""
    targets: dict[str, list[str]] = defaultdict(list)
    for line in found.group(1).splitlines():
        source, _, target = line.strip().partition(" --> ")
        targets[source].append(target)
    return _table(("room", "is used by"), ((source, ", ".join(used)) for source, used in sorted(targets.items())))


# What mkdocs calls.


def on_files(files: Any, config: Any) -> Any:
    """Add the pages that are made here."""
    from mkdocs.structure.files import File

    for place, text in pages().items():
        files.append(File.generated(config, place, content=text))
    return files


def on_page_markdown(markdown: str, *, page: Any, config: Any, files: Any) -> str:
    """Links and drawings as a site that asks nothing of the outside has them."""
    place = page.file.src_uri
    return _MERMAID.sub(_graph, markdown if page.file.generated_by else _inside(markdown, place))


def on_post_page(output: str, *, page: Any, config: Any) -> str:
    """Chinese pages say that they are Chinese."""
    return output.replace('<html lang="en"', '<html lang="zh"', 1) if page.file.src_uri.startswith("zh/") else output
