"""Plants one fault after another into the SQL models and the core modules and sees whether the tests fail.

A fault is one changed node of the syntax tree (sqlglot for SQL, ast for Python) in a copy of the tree; the tests of its area run in
a process forked from one that has the libraries loaded. The sample is fixed by a seed and spread over the files of an area. Faults
after which a model cannot be bound at all are left out: they would be found without a test. Those judged to change nothing are
listed with the reason in mutation_equivalent.yaml. `make mutation` writes the shares into docs/mutation.md.
"""

from __future__ import annotations

import argparse
import ast
import importlib
import json
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice, pairwise
from pathlib import Path

import sqlglot
import yaml
from sqlglot import exp

ROOT = Path(__file__).resolve().parents[1]
EQUIVALENT = Path(__file__).with_name("mutation_equivalent.yaml")
PAGE = ROOT / "docs" / "mutation.md"
START, END = "<!-- figures -->", "<!-- end of figures -->"
# loaded once, before the forks; none of them starts a thread when it is imported
LIBRARIES = (
    "duckdb", "pyarrow", "pyarrow.compute", "pyarrow.parquet", "polars", "numpy", "pydantic", "sqlalchemy", "yaml", "pytest",
    "hypothesis", "hypothesis.strategies", "iso4217", "openpyxl", "xlsxwriter", "click", "cryptography", "filelock", "tenacity",
)
SECONDS = 150  # of processor time, after which a fault that never ends is killed
PROFILE = """
import os
if os.environ.get("DUIZHANG_MUTATION"):
    from hypothesis import Phase, settings
    settings.register_profile("mutation", derandomize=True, database=None, deadline=None, phases=[Phase.explicit, Phase.generate])
    settings.load_profile("mutation")
"""


@dataclass(frozen=True)
class Area:
    """Files that are changed, and the tests that could see it, the fastest first."""

    files: tuple[str, ...]
    tests: tuple[str, ...]


_CORE = ("tests/reconcile/test_cases.py", "tests/reconcile/test_mutation.py")
AREAS = {
    "sql: open items": Area(tuple(f"sql/{room}/*.sql" for room in ("open", "matching", "causes", "variances")), _CORE),
    "sql: claims": Area(
        ("sql/claims/*.sql", "sql/derived/*.sql", "sql/legs/*.sql", "sql/sides/*.sql"),
        tuple(f"tests/reconcile/test_{name}.py" for name in ("one_truth", "sides", "legs", "goods", "room")),
    ),
    "sql: marts": Area(("sql/marts/*.sql",), tuple(f"tests/reconcile/test_{name}.py" for name in ("legs", "room", "goods"))),
    "sql: assertions": Area(("sql/assertions/*.sql",), ("tests/reconcile/test_assertions.py",)),
    "reconcile": Area(
        tuple(f"duizhang/reconcile/{name}.py" for name in ("matching", "parts", "subset", "causes", "lines")),
        (*_CORE, "tests/reconcile/test_linear.py", "tests/reconcile/test_oracle.py"),
    ),
    "close": Area(
        ("duizhang/close/decisions.py", "duizhang/close/approval.py"),
        ("tests/close/test_decisions.py", "tests/close/test_signing.py", "tests/close/test_people.py"),
    ),
    "publish": Area(("duizhang/publish/publication.py",), ("tests/publish/test_publish.py", "tests/publish/test_readers.py")),
    "gate": Area(("duizhang/gate/records.py", "duizhang/gate/checking.py"), ("tests/gate",)),
    "plan": Area(("duizhang/plan/plan.py",), ("tests/pipelines/test_restate.py",)),
}


@dataclass(frozen=True)
class Fault:
    """One planted fault: where, what stood there and what stands there now, and the changed file."""

    path: str
    place: str
    change: str
    text: str


@dataclass(frozen=True)
class Outcome:
    """What the tests made of a fault: killed, survived, or invalid where no model could be bound."""

    area: str
    path: str
    place: str
    change: str
    result: str
    seconds: float


_SWAPS: dict[type[exp.Expression], type[exp.Expression]] = {
    exp.GT: exp.GTE, exp.GTE: exp.GT, exp.LT: exp.LTE, exp.LTE: exp.LT, exp.EQ: exp.NEQ, exp.NEQ: exp.EQ, exp.Add: exp.Sub,
    exp.Sub: exp.Add, exp.And: exp.Or, exp.Or: exp.And, exp.Max: exp.Min, exp.Min: exp.Max, exp.Sum: exp.Max,
}


def sql_faults(path: str, text: str, chance: random.Random) -> Iterator[Fault]:
    """Every fault that can be planted into a select, one node each, in an order by chance."""
    whole = sqlglot.parse_one(text, dialect="duckdb")
    changeable = (*_SWAPS, exp.Literal, exp.Where, exp.Distinct, exp.Join, exp.Union, exp.If, exp.Coalesce, exp.Neg, exp.Ordered)
    places = [(at, kind) for at, n in enumerate(whole.walk()) if isinstance(n, changeable) for kind in range(2)]
    chance.shuffle(places)
    for number, kind in places:
        tree = whole.copy()
        node = next(n for at, n in enumerate(tree.walk()) if at == number)
        cte = node.find_ancestor(exp.CTE)
        before = _short(node)
        after = _change(node, kind)
        if after is not None:
            yield Fault(path, cte.alias if cte else "", f"{before} -> {after}", tree.sql(dialect="duckdb", pretty=True))


def _plain(text: str) -> str:
    """A select as its tree prints it."""
    return sqlglot.parse_one(text, dialect="duckdb").sql(dialect="duckdb", pretty=True)


def _short(node: exp.Expression) -> str:
    return re.sub(r"\s+", " ", node.sql(dialect="duckdb"))[:160]


def _change(node: exp.Expression, kind: int) -> str | None:
    """Change the node in its tree; how it reads now, or None where there is nothing to change."""
    made: exp.Expression | None = None
    if type(node) in _SWAPS:
        swapped = _SWAPS[type(node)]
        if kind == 0:
            made = swapped(**{k: v for k, v in node.args.items() if k in ("this", "expression")})
        elif isinstance(node, exp.And):
            made = node.right.copy()  # a condition is dropped
    elif isinstance(node, exp.Literal) and not node.is_string and node.this.isdigit() and kind == 0:
        if isinstance(node.parent, exp.DataTypeParam):
            return None
        made = exp.Literal.number(int(node.this) + 1)
    elif isinstance(node, exp.Where) and kind == 0:
        node.pop()
        return "no filter"
    elif isinstance(node, exp.Distinct) and isinstance(node.parent, exp.Select) and kind == 0:
        node.pop()
        return "not distinct"
    elif isinstance(node, exp.Join) and not node.method and node.kind in ("", "INNER") and node.args.get("on"):
        if kind == 1:
            return None
        left = node.side == "LEFT"
        node.set("side", None if left else "LEFT")
        node.set("kind", "INNER" if left else None)
        return "inner join" if left else "left join"
    elif isinstance(node, exp.Union) and kind == 0 and isinstance(node.parent, (exp.CTE, exp.Union)):
        made = node.left.copy()  # the second branch is dropped
    elif isinstance(node, exp.If) and isinstance(node.parent, exp.Case) and kind == 0:
        case = node.parent
        if len(case.args["ifs"]) > 1:
            case.set("ifs", [i for i in case.args["ifs"] if i is not node])
            return "no such case"
        if case.args.get("this"):
            return None
        node.set("this", exp.Not(this=exp.Paren(this=node.this.copy())))
        return "when not"
    elif (isinstance(node, exp.Coalesce) and kind == 0) or (isinstance(node, exp.Neg) and kind == 0):
        made = node.this.copy()
    elif isinstance(node, exp.Ordered) and kind == 0 and isinstance(node.find_ancestor(exp.Window, exp.WithinGroup), exp.Window):
        node.set("desc", not node.args.get("desc"))
        return "the other way round"
    if made is None:
        return None
    if isinstance(node, (exp.And, exp.Or)):
        made = exp.Paren(this=made)
    node.replace(made)
    return _short(made)


_COMPARED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq, ast.In: ast.NotIn,
    ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}
_ADDED: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.BitAnd: ast.BitOr,
}
# what only declares: a fault there is one of the declaration and not of the rule
_DECLARED = {"strict", "frozen", "nullable", "index", "autoincrement", "primary_key", "unique", "extra"}


def python_faults(path: str, text: str, chance: random.Random) -> Iterator[Fault]:
    """Every fault that can be planted into a module's functions, one node each, in an order by chance."""
    places = [(number, kind) for number in range(len(list(ast.walk(ast.parse(text))))) for kind in range(2)]
    chance.shuffle(places)
    for number, kind in places:
        tree = ast.parse(text)
        nodes = list(ast.walk(tree))
        node = nodes[number]
        parents = {child: parent for parent in nodes for child in ast.iter_child_nodes(parent)}
        line = [node]
        while line[-1] in parents:
            line.append(parents[line[-1]])
        inside = [n.name for n in line if isinstance(n, ast.FunctionDef)]
        if not inside or any(isinstance(n, ast.keyword) and n.arg in _DECLARED for n in line) or _is_hint(line):
            continue
        if isinstance(node, (ast.expr_context, ast.operator, ast.cmpop, ast.boolop, ast.unaryop, ast.arguments)):
            continue
        before = ast.unparse(node).splitlines()[0]
        if _change_python(node, kind):
            yield Fault(path, inside[0], f"{before[:160]} -> {ast.unparse(node).splitlines()[0][:160]}", ast.unparse(tree))


def _is_hint(line: Sequence[ast.AST]) -> bool:
    """Whether a node is part of an annotation, a default or a decorator."""
    return any(
        isinstance(outer, ast.arguments)
        or (isinstance(outer, ast.FunctionDef) and (inner is outer.returns or inner in outer.decorator_list))
        or (isinstance(outer, ast.AnnAssign) and inner is outer.annotation)
        for inner, outer in pairwise(line)
    )


def _change_python(node: ast.AST, kind: int) -> bool:
    if isinstance(node, ast.Compare) and kind == 0 and type(node.ops[0]) in _COMPARED:
        node.ops[0] = _COMPARED[type(node.ops[0])]()
    elif isinstance(node, ast.BoolOp):
        if kind == 0:
            node.op = ast.Or() if isinstance(node.op, ast.And) else ast.And()
        else:
            del node.values[-1]
            if len(node.values) == 1:
                node.values.append(node.values[0])
    elif isinstance(node, ast.BinOp) and kind == 0 and type(node.op) in _ADDED:
        node.op = _ADDED[type(node.op)]()
    elif isinstance(node, ast.UnaryOp) and kind == 0 and isinstance(node.op, (ast.Not, ast.USub)):
        node.op = ast.UAdd() if isinstance(node.op, ast.USub) else ast.Not()
        if isinstance(node.op, ast.Not):
            node.operand = ast.UnaryOp(ast.Not(), node.operand)
    elif isinstance(node, ast.Constant) and kind == 0 and type(node.value) is int:
        node.value += 1
    elif isinstance(node, ast.Constant) and kind == 0 and type(node.value) is bool:
        node.value = not node.value
    elif isinstance(node, ast.If) and kind == 0:
        node.test = ast.UnaryOp(ast.Not(), node.test)
    elif isinstance(node, ast.IfExp) and kind == 0:
        node.body, node.orelse = node.orelse, node.body
    elif isinstance(node, ast.Return) and kind == 0 and node.value is not None:
        if isinstance(node.value, ast.Constant) and node.value.value is None:
            return False
        node.value = ast.Constant(None)
    elif isinstance(node, ast.Expr) and kind == 0 and isinstance(node.value, ast.Call):
        node.value = ast.Constant(None)  # a step is left out
    elif isinstance(node, ast.Continue) and kind == 0:
        return False
    else:
        return False
    return True


def sample(area: Area, number: int, seed: int) -> list[Fault]:
    """So many faults of an area, from each of its files in turn."""
    for test in area.tests:
        if not (ROOT / test).exists():
            raise SystemExit(f"benchmarks/mutation.py: no test is {test}")
    paths = sorted({p.relative_to(ROOT).as_posix() for pattern in area.files for p in ROOT.glob(pattern)})
    for pattern in area.files:
        if not list(ROOT.glob(pattern)):
            raise SystemExit(f"benchmarks/mutation.py: no file is {pattern}")
    listed = []
    for path in paths:
        make = sql_faults if path.endswith(".sql") else python_faults
        listed.append(make(path, (ROOT / path).read_text(encoding="utf-8"), random.Random(f"{seed} {Path(path).name}")))
    random.Random(seed).shuffle(listed)
    return list(islice(_in_turn(listed), number))


def _in_turn(listed: list[Iterator[Fault]]) -> Iterator[Fault]:
    while listed:
        for faults in list(listed):
            fault = next(faults, None)
            if fault is None:
                listed.remove(faults)
            else:
                yield fault


def attempt(tree: Path, tests: Sequence[str], log: Path) -> tuple[int, float]:
    """Run the tests on the copy in a process of its own: its exit code (-1: it never ended), and processor seconds."""
    began = resource.getrusage(resource.RUSAGE_CHILDREN)
    child = os.fork()
    if not child:
        code = 1
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
            handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(handle, 1)
            os.dup2(handle, 2)
            os.chdir(tree)
            os.environ |= {"PYTHONPATH": str(tree), "DUIZHANG_MUTATION": "1"}
            sys.path[:] = [str(tree), *(p for p in sys.path if Path(p).resolve() not in (ROOT, ROOT / "benchmarks"))]
            import pytest

            options = ["-x", "-n", "0", "-q", "-p", "no:cacheprovider", "--tb=short", "-W", "ignore::pytest.PytestAssertRewriteWarning"]
            code = int(pytest.main([*options, "-m", "not slow", *tests]))
        except BaseException:
            traceback.print_exc()
        finally:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
    _, status = os.waitpid(child, 0)
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
    return (os.WEXITSTATUS(status) if os.WIFEXITED(status) else -1), seconds


_UNBOUND = re.compile(r"(Binder|Parser|Catalog) Error")


def judge(tree: Path, area: str, fault: Fault, log: Path) -> Outcome:
    """Plant the fault, run the tests, take it out again."""
    place = tree / fault.path
    kept = place.read_text(encoding="utf-8")
    place.write_text(fault.text, encoding="utf-8")
    try:
        code, seconds = attempt(tree, AREAS[area].tests, log)
    finally:
        place.write_text(kept, encoding="utf-8")
    told = log.read_text(encoding="utf-8", errors="replace")
    result = "survived" if code == 0 else "killed"
    if code and _UNBOUND.search(told):
        result = "invalid"
    return Outcome(area, fault.path, fault.place, fault.change, result, round(seconds, 1))


def copy(into: Path) -> Path:
    """The tree without its history, in which faults are planted; every property is tried with the same examples each time."""
    tree = into / "tree"
    leave = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.png", ".mypy_cache", ".ruff_cache", ".hypothesis", "demo")
    shutil.copytree(ROOT, tree, ignore=leave, symlinks=True)
    (tree / "conftest.py").write_text(PROFILE, encoding="utf-8")
    return tree


def equivalents() -> dict[tuple[str, str], str]:
    """Faults that change nothing, with the reason: by place and change, so that a file may be renamed."""
    return {(e["place"], e["change"]): e["reason"] for e in yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8")) or []}


def shares(outcomes: Sequence[Outcome]) -> str:
    """The table of docs/mutation.md, and the faults that no test saw."""
    same = equivalents()
    lines = ["| area | planted | killed | survived | judged equivalent | share killed |", "|---|---|---|---|---|---|"]
    total = [0, 0, 0]
    alive = []
    for area in AREAS:
        of = [o for o in outcomes if o.area == area and o.result != "invalid"]
        killed = sum(o.result == "killed" for o in of)
        equal = [o for o in of if o.result == "survived" and (o.place, o.change) in same]
        left = [o for o in of if o.result == "survived" and (o.place, o.change) not in same]
        if not of:
            lines.append(f"| {area} | 0 | | | | not measured |")
            continue
        alive += left
        total = [total[0] + killed, total[1] + len(left), total[2] + len(equal)]
        share = killed / max(killed + len(left), 1)
        lines.append(f"| {area} | {len(of)} | {killed} | {len(left)} | {len(equal)} | {share:.2f} |")
    share = total[0] / max(total[0] + total[1], 1)
    lines.append(f"| all | {sum(total)} | {total[0]} | {total[1]} | {total[2]} | {share:.2f} |")
    if alive:
        lines += ["", "Survived:", ""]
        for o in sorted(alive, key=lambda o: (o.path, o.place, o.change)):
            change = o.change.replace("`", "'")
            lines.append(f"- `{o.path}`{f', {o.place}' if o.place else ''}: `{change}`")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", choices=AREAS, action="append", help="only these areas")
    parser.add_argument("--number", type=int, default=24, help="faults an area")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, help="JSON lines to add to; what stands there is not tried again")
    parser.add_argument("--again", action="store_true", help="try the survivors of --results again and nothing else")
    parser.add_argument("--write", action="store_true", help="write the shares into docs/mutation.md")
    parser.add_argument("--list", action="store_true", help="only list the faults that would be planted")
    arguments = parser.parse_args()
    known: dict[tuple[str, str, str], Outcome] = {}
    if arguments.results and arguments.results.exists():
        for line in arguments.results.read_text(encoding="utf-8").splitlines():
            found = Outcome(**json.loads(line))
            known[found.path, found.place, found.change] = found
    for name in LIBRARIES:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory() as folder:
        tree, log = copy(Path(folder)), Path(folder) / "log"
        sys.dont_write_bytecode = True
        for area in arguments.area or AREAS:
            _try(area, arguments, known, lambda fault, area=area: judge(tree, area, fault, log), tree, log)
    print(shares(list(known.values())))
    if arguments.write:
        text = PAGE.read_text(encoding="utf-8")
        figures = f"{START}\n\nSeed {arguments.seed}, at most {arguments.number} faults an area.\n\n{shares(list(known.values()))}\n\n{END}"
        PAGE.write_text(text[: text.index(START)] + figures + text[text.index(END) + len(END) :], encoding="utf-8")
    return 0


def _try(
    area: str, arguments: argparse.Namespace, known: dict[tuple[str, str, str], Outcome], judged: Callable[[Fault], Outcome],
    tree: Path, log: Path,
) -> None:
    """Try the faults of an area that are not known yet, or once more those that survived."""
    faults = sample(AREAS[area], arguments.number, arguments.seed)
    if arguments.list:
        print("\n".join(f"{f.path} {f.place}: {f.change}" for f in faults))
        return
    same = equivalents()

    def wanted(fault: Fault) -> bool:
        seen = known.get((fault.path, fault.place, fault.change))
        if (fault.place, fault.change) in same and seen:
            return False
        return seen is not None and seen.result == "survived" if arguments.again else seen is None

    faults = [f for f in faults if wanted(f)]
    if not faults:
        return
    # without a fault, but with every file as the trees print it: what fails here proves nothing
    for path in {f.path for f in faults}:
        text = (ROOT / path).read_text(encoding="utf-8")
        plain = ast.unparse(ast.parse(text)) if path.endswith(".py") else _plain(text)
        (tree / path).write_text(plain, encoding="utf-8")
    code, seconds = attempt(tree, AREAS[area].tests, log)
    for path in {f.path for f in faults}:
        (tree / path).write_bytes((ROOT / path).read_bytes())
    if code:
        raise SystemExit(f"{area}: the tests fail without a fault:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")
    print(f"{area}: {len(faults)} faults; without one {seconds:.0f} s", flush=True)
    for fault in faults:
        began = time.monotonic()
        found = judged(fault)
        known[fault.path, fault.place, fault.change] = found
        print(f"{found.result} {found.seconds:.0f}s/{time.monotonic() - began:.0f}s {found.path} {found.place}: {found.change}", flush=True)
        if arguments.results:
            with arguments.results.open("a", encoding="utf-8") as handle:
                handle.write(json.dumps(asdict(found)) + "\n")


if __name__ == "__main__":
    sys.exit(main())
