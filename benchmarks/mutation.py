"""Plants one fault after another into the SQL models, the rules and the core modules and sees whether the tests fail.

A fault is one changed node of the syntax tree (sqlglot for SQL, ast for Python). Of models and rules every fault is planted that
there is, and judged by the pairs of tests/reconcile/pairs alone: what the model gives for rows that it is given. Of modules a sample
is planted into a copy of the tree, fixed by a seed and spread over the files of an area; the tests of the area run in a process forked
from one that has the libraries loaded. Faults after which a model cannot be bound at all are left out: they would be found without a
test. Those judged to change nothing are listed with the reason in mutation_equivalent.yaml. `make mutation` writes the shares into
docs/mutation.md.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import importlib
import json
import os
import random
import re
import resource
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks.faults import Fault, plain, python_faults, sql_faults, text_faults  # noqa: E402

if TYPE_CHECKING:
    from tests.reconcile.pairs import Pair, Row

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


_ROOMS = {
    "claims": ("claims", "derived"), "sides and legs": ("sides", "legs"), "open items": ("open",), "items": ("items", "macros"),
    "matching": ("matching", "passes"), "causes": ("causes", "rules"), "variances": ("variances",), "marts": ("marts",),
}
_RULES = tuple(f"duizhang/reconcile/{name}.yaml" for name in ("causes", "parts"))
# models and rules, which are judged by their pairs
PAIRED = {
    f"sql: {name}": Area(tuple(f"sql/{room}/*.sql" for room in rooms if room != "rules") + (_RULES if "rules" in rooms else ()), ())
    for name, rooms in _ROOMS.items()
}
AREAS = {
    **PAIRED,
    "sql: assertions": Area(("sql/assertions/*.sql",), ("tests/reconcile/test_assertions.py",)),
    "reconcile": Area(
        tuple(f"duizhang/reconcile/{name}.py" for name in ("matching", "subset", "lines")),
        ("tests/reconcile/test_deposits.py", "tests/reconcile/test_passes.py", "tests/reconcile/test_oracle.py"),
    ),
    "decisions": Area(
        tuple(f"duizhang/close/{name}.py" for name in ("deciding", "decisions", "sameness", "groups", "journal")),
        tuple(f"tests/close/test_{name}.py" for name in ("sameness", "events", "links", "choosing")),
    ),
    "approval": Area(("duizhang/close/approval.py",), ("tests/close/test_approving.py",)),
    "gate": Area(("duizhang/gate/records.py", "duizhang/gate/checking.py"), ("tests/gate/test_records.py",)),
    "publish": Area(("duizhang/publish/publication.py",), ("tests/publish/test_publication.py",)),
    "plan": Area(("duizhang/plan/plan.py",), ("tests/plan/test_plan.py",)),
}


@dataclass(frozen=True)
class Outcome:
    """What the tests made of a fault: killed, survived, or invalid where no model could be bound. digest: of the changed text (of a
    model with its pairs), so that what was found of another state of the file is not taken for what is true of this one."""

    area: str
    path: str
    place: str
    change: str
    result: str
    seconds: float
    digest: str


def sample(area: Area, number: int, seed: int) -> list[Fault]:
    """So many faults of an area, from each of its files in turn."""
    for test in area.tests:
        if not (ROOT / test.partition("::")[0]).exists():
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


def models_of(area: str) -> list[tuple[str, str, str]]:
    """The models and rules of an area of pairs: file, name and SQL."""
    from tests.reconcile.pairs import MACROS, RULES, text_of

    found = []
    for room in _ROOMS[area.removeprefix("sql: ")]:
        if room == "macros":
            found += [(path.relative_to(ROOT).as_posix(), name, text_of(name)) for name, (path, _) in MACROS.items()]
        elif room == "rules":
            found += [(f"duizhang/reconcile/{'parts' if 'parts' in name else 'causes'}.yaml", name, text_of(name)) for name in RULES]
        else:
            names = [f"{room}/{path.stem}" for path in sorted((ROOT / "sql" / room).glob("*.sql"))]
            found += [(f"sql/{name}.sql", name, text_of(name)) for name in names]
    return found


def judge_model(
    area: str, path: str, name: str, text: str, pairs: Sequence[Pair], seed: int, known: dict[str, Outcome], *, texts: bool = False
) -> Iterator[Outcome]:
    """Every fault that can be planted into a model, held against its pairs. texts: those of text constants instead. known: what was found
    before, by digest, which is not tried again."""
    from tests.reconcile.pairs import given, in_order, put, rules

    of_pairs = digest_of(*map(repr, pairs))
    left: list[tuple[Fault, str]] = []
    seen = {plain(text)}
    for fault in (text_faults if texts else sql_faults)(path, text, random.Random(f"{seed} {name.rpartition('/')[2]}.sql")):
        if fault.text not in seen:
            seen.add(fault.text)
            digest = digest_of(fault.text, of_pairs)
            if digest in known:
                yield known[digest]
            else:
                left.append((fault, digest))

    def outcome(fault: Fault, digest: str, result: str, seconds: float) -> Outcome:
        return Outcome(area, path, fault.place, fault.change, result, round(seconds, 1), digest)

    with rules() as con:
        for pair in pairs:
            put(con, pair, name, plain(text))
            expected, still = in_order(pair.gives.rows), []
            # as the tree prints it: what fails here proves nothing
            if given(con, pair, plain(text) if pair.model == name else "") != expected:
                raise SystemExit(f"{name}: the pair {pair.title!r} fails without a fault")
            for fault, digest in left:
                began = time.process_time()
                result = _held(con, pair, name, fault.text, expected)
                if result == "survived":
                    still.append((fault, digest))
                else:
                    yield outcome(fault, digest, result, time.process_time() - began)
            left = still
    yield from (outcome(fault, digest, "survived", 0) for fault, digest in left)


def _held(con: duckdb.DuckDBPyConnection, pair: Pair, name: str, sql: str, expected: list[Row]) -> str:
    """What a pair, whose rows are in place, makes of a model with a fault."""
    from tests.reconcile.pairs import given, put

    stop = threading.Timer(SECONDS / 10, con.interrupt)
    stop.start()
    try:
        if pair.model != name:
            put(con, pair, name, sql)
        return "survived" if given(con, pair, sql if pair.model == name else "") == expected else "killed"
    except duckdb.Error as error:
        return "invalid" if _UNBOUND.search(str(error)) else "killed"
    finally:
        stop.cancel()


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
    if code and fault.path.endswith(".sql") and _UNBOUND.search(told):
        result = "invalid"
    return Outcome(area, fault.path, fault.place, fault.change, result, round(seconds, 1), digest_of(fault.text))


def digest_of(*texts: str) -> str:
    """By what a fault is known."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]


def copy(into: Path) -> Path:
    """The tree without its history, in which faults are planted; every property is tried with the same examples each time."""
    tree = into / "tree"
    leave = shutil.ignore_patterns(".git", ".venv", "__pycache__", "*.png", ".mypy_cache", ".ruff_cache", ".hypothesis", "demo")
    shutil.copytree(ROOT, tree, ignore=leave, symlinks=True)
    (tree / "conftest.py").write_text(PROFILE, encoding="utf-8")
    return tree


def equivalents() -> dict[tuple[str, str, str], str]:
    """Faults that change nothing, with the reason: by file, place and change."""
    return {(e["path"], e["place"], e["change"]): e["reason"] for e in yaml.safe_load(EQUIVALENT.read_text(encoding="utf-8")) or []}


def without_pairs() -> list[str]:
    """Models and rules that no pair holds, which are not measured."""
    from tests.reconcile.pairs import PAIRS, between, read_pairs

    held = {model for path in PAIRS.glob("*.txt") for pair in read_pairs(path) for model in (pair.model, *between(pair))}
    return [name for area in PAIRED for _, name, _ in models_of(area) if name not in held]


def shares(outcomes: Sequence[Outcome]) -> str:
    """The table of docs/mutation.md, the models that were not measured, and the faults that no test saw."""
    same = equivalents()
    lines = ["| area | planted | killed | survived | judged equivalent | share killed |", "|---|---|---|---|---|---|"]
    total = [0, 0, 0]
    alive = []
    for area in AREAS:
        of = [o for o in outcomes if o.area == area and o.result != "invalid"]
        killed = sum(o.result == "killed" for o in of)
        left = [o for o in of if o.result == "survived" and (o.path, o.place, o.change) not in same]
        equal = len(of) - killed - len(left)
        if not of:
            lines.append(f"| {area} | 0 | | | | not measured |")
            continue
        alive += left
        total = [total[0] + killed, total[1] + len(left), total[2] + equal]
        share = killed / max(killed + len(left), 1)
        lines.append(f"| {area} | {len(of)} | {killed} | {len(left)} | {equal} | {share:.2f} |")
    share = total[0] / max(total[0] + total[1], 1)
    lines.append(f"| all | {sum(total)} | {total[0]} | {total[1]} | {total[2]} | {share:.2f} |")
    lines += ["", f"Without pairs, and not measured: {', '.join(without_pairs()) or 'none'}."]
    if alive:
        by_file = Counter(o.path for o in alive)
        lines += ["", f"Survived, by file: {', '.join(f'`{path}` {number}' for path, number in sorted(by_file.items()))}."]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--area", choices=AREAS, action="append", help="only these areas")
    parser.add_argument("--model", action="append", help="only these models of areas of pairs, as items/features")
    parser.add_argument("--number", type=int, default=24, help="faults an area of modules; of models every fault is planted")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--results", type=Path, help="JSON lines to add to; what stands there of the same text is not tried again")
    parser.add_argument("--again", action="store_true", help="try the survivors of --results again and nothing else")
    parser.add_argument("--write", action="store_true", help="write the shares into docs/mutation.md")
    parser.add_argument("--texts", action="store_true", help="plant other text constants into models, and no other faults")
    parser.add_argument("--list", action="store_true", help="only list the faults that would be planted into modules")
    arguments = parser.parse_args()
    known: dict[str, Outcome] = {}
    if arguments.results and arguments.results.exists():
        for line in arguments.results.read_text(encoding="utf-8").splitlines():
            found = Outcome(**json.loads(line))
            known[found.digest] = found
    outcomes: list[Outcome] = []
    areas = arguments.area or list(AREAS)
    # first those that are tried in forks: a process that has this tree loaded would not load the changed one
    if any(area not in PAIRED for area in areas):
        for name in LIBRARIES:
            importlib.import_module(name)
        with tempfile.TemporaryDirectory() as folder:
            tree, log = copy(Path(folder)), Path(folder) / "log"
            sys.dont_write_bytecode = True
            for area in areas:
                if area not in PAIRED:
                    outcomes += _try(area, arguments, known, lambda fault, area=area: judge(tree, area, fault, log), tree, log)
    for area in areas:
        if area in PAIRED and not arguments.list:
            outcomes += judge_models(area, arguments, known)
    for o in outcomes:
        if o.result == "survived":
            print(f"survived {o.path} {o.place}: {o.change}")
    print(shares(outcomes))
    if arguments.write:
        text = PAGE.read_text(encoding="utf-8")
        figures = (
            f"{START}\n\nSeed {arguments.seed}; every fault of models and rules, at most {arguments.number} an area of modules.\n\n"
            f"{shares(outcomes)}\n\n{END}"
        )
        PAGE.write_text(text[: text.index(START)] + figures + text[text.index(END) + len(END) :], encoding="utf-8")
    return 0


def _keep(arguments: argparse.Namespace, found: Outcome) -> None:
    if arguments.results:
        with arguments.results.open("a", encoding="utf-8") as handle:
            handle.write(json.dumps(asdict(found)) + "\n")


def judge_models(area: str, arguments: argparse.Namespace, known: dict[str, Outcome]) -> list[Outcome]:
    """Every fault of the models of an area."""
    from tests.reconcile.pairs import PAIRS, between, read_pairs

    pairs: dict[str, list[Pair]] = {}
    for room in _ROOMS[area.removeprefix("sql: ")]:
        for pair in read_pairs(PAIRS / f"{room}.txt") if (PAIRS / f"{room}.txt").exists() else ():
            for model in (pair.model, *between(pair)):
                pairs.setdefault(model, []).append(pair)
    found = []
    for path, name, text in models_of(area):
        if arguments.model and name not in arguments.model:
            continue
        if name not in pairs:
            print(f"{name}: no pairs", flush=True)
            continue
        of = []
        for outcome in judge_model(area, path, name, text, pairs[name], arguments.seed, known, texts=arguments.texts):
            of.append(outcome)
            if outcome.digest not in known:
                _keep(arguments, outcome)
        counts = Counter(o.result for o in of)
        print(f"{name}: {counts['killed']} of {counts['killed'] + counts['survived']}, {sum(o.seconds for o in of):.0f} s", flush=True)
        found += of
    return found


def _try(
    area: str, arguments: argparse.Namespace, known: dict[str, Outcome], judged: Callable[[Fault], Outcome], tree: Path, log: Path
) -> list[Outcome]:
    """Try the faults of an area that are not known yet, or once more those that survived; what is known of the sample then."""
    chosen = sample(AREAS[area], arguments.number, arguments.seed)
    if arguments.list:
        print("\n".join(f"{f.path} {f.place}: {f.change}" for f in chosen))
        return []
    same = equivalents()

    def so_far() -> list[Outcome]:
        return [known[digest] for fault in chosen if (digest := digest_of(fault.text)) in known]

    def wanted(fault: Fault) -> bool:
        seen = known.get(digest_of(fault.text))
        if (fault.path, fault.place, fault.change) in same and seen:
            return False
        return seen is not None and seen.result == "survived" if arguments.again else seen is None

    faults = [f for f in chosen if wanted(f)]
    if not faults:
        return so_far()
    # without a fault, but with every file as the trees print it: what fails here proves nothing
    for path in {f.path for f in faults}:
        text = (ROOT / path).read_text(encoding="utf-8")
        printed = ast.unparse(ast.parse(text)) if path.endswith(".py") else plain(text)
        (tree / path).write_text(printed, encoding="utf-8")
    code, seconds = attempt(tree, AREAS[area].tests, log)
    for path in {f.path for f in faults}:
        (tree / path).write_bytes((ROOT / path).read_bytes())
    if code:
        raise SystemExit(f"{area}: the tests fail without a fault:\n{log.read_text(encoding='utf-8', errors='replace')[-3000:]}")
    print(f"{area}: {len(faults)} faults; without one {seconds:.0f} s", flush=True)
    for fault in faults:
        began = time.monotonic()
        found = judged(fault)
        known[found.digest] = found
        print(f"{found.result} {found.seconds:.0f}s/{time.monotonic() - began:.0f}s {found.path} {found.place}: {found.change}", flush=True)
        _keep(arguments, found)
    return so_far()


if __name__ == "__main__":
    sys.exit(main())
