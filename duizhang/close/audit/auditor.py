"""Checks an audit folder of duizhang. Needs Python 3.11 and nothing else:

    python check.py                          everything in the folder that this script lies in
    python check.py --checkpoint NOTE        and that the log still begins as it did when you were given NOTE
    python check.py --key KEY                the key that you were given, instead of the one in the folder
    python check.py --from DAY --to DAY      and that every day of these that was published is here

It proves: the log is one chain and has the root that its checkpoint is signed for; each period's manifest is the one that the log
says was published; each table has the digest that the manifest says; amounts are conserved and go on from day to day; who signed and
closed it; raw files, where they are here, are those that it was made from. Exit code 0 where all of it holds, 1 where something does not.
"""

from __future__ import annotations

import argparse
import base64
import csv
import datetime as dt
import hashlib
import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MONEY = ("opening", "left_amount", "right_amount", "closing")
Summary = dict[tuple[str, ...], dict[str, Decimal]]

# Ed25519 (RFC 8032)
P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]


def main(arguments: list[str]) -> int:
    """Check the folder; the exit code."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, help="a signed checkpoint that you have kept")
    parser.add_argument("--key", help="the key of the checkpoints as you were given it")
    parser.add_argument("--from", dest="first", default="", help="the first day that you asked for: 2026-03-01")
    parser.add_argument("--to", dest="last", default="", help="the last day that you asked for")
    asked = parser.parse_args(arguments)
    problems: list[str] = []
    records: list[bytes] = []
    log: list[Any] = []
    with told_of("log", problems):
        records = check_log(problems)
        log = [json.loads(record) for record in records]
    with told_of("checkpoint", problems):
        key = asked.key or text_of(HERE / "key.txt").strip()
        check_checkpoint(records, text_of(HERE / "checkpoint.txt"), key, problems, whole=True)
        if asked.checkpoint:
            check_checkpoint(records, text_of(asked.checkpoint), key, problems, whole=False)
    before: tuple[str, Summary] | None = None
    folders = sorted(path for path in (HERE / "periods").glob("*") if path.is_dir())
    for folder in folders:
        now: tuple[str, Summary] | None = None
        with told_of(folder.name, problems):
            now = check_period(folder, log, before, problems)
        before = now
    days = [folder.name for folder in folders]
    check_days(days, log, asked.first, asked.last, problems)
    for line in problems:
        say(f"WRONG  {line}")
    if not asked.key:
        say("note: the key came with the folder; compare it with the one that you were given, or say it with --key")
    if strange := sorted({path.name for path in HERE.iterdir()} - {"check.py", "checkpoint.txt", "key.txt", "log.jsonl", "periods", "raw"}):
        say(f"note: not looked at: {', '.join(strange)}")
    span = f", {days[0]} to {days[-1]}" if days else ""
    say(f"{len(records)} events, {len(days)} periods{span}: " + (f"{len(problems)} problems" if problems else "all of it holds"))
    return 1 if problems else 0


@contextmanager
def told_of(what: str, problems: list[str]) -> Iterator[None]:
    """What is missing or cannot be read is a problem like others, and the rest is looked at all the same."""
    try:
        yield
    except Missing as error:
        problems.append(f"{what}: {error} is not there" if what not in ("log", "checkpoint") else f"{error} is not there")
    except (OSError, ValueError, LookupError, TypeError, AttributeError, ArithmeticError, csv.Error) as error:
        problems.append(f"{what}: it cannot be read: {error}")


class Missing(Exception):
    """A file that the folder should have, by its name."""


def bytes_of(path: Path) -> bytes:
    """The bytes of a file of the folder. Raises Missing."""
    if not path.is_file():
        raise Missing(path.name)
    return path.read_bytes()


def text_of(path: Path) -> str:
    """The text of a file of the folder. Raises Missing."""
    return bytes_of(path).decode("utf-8")


def check_days(days: list[str], log: list[Any], first: str, last: str, problems: list[str]) -> None:
    """Every day that the log says was published is here, between the first and the last that are, or that were asked for."""
    published = {str(json.loads(payload)["period"]) for _, _, _, kind, payload, _ in log if kind == "published"}
    if not days:
        problems.append("no day is in the folder")
    begin, end = min([*days, first] if first else [*days, last]), max([*days, last])
    lacking = sorted(day for day in published - {*days} if begin <= day <= end)
    problems += [f"{day}: the log says that it was published, and it is not here" for day in lacking]
    if rest := len(published - {*days} - {*lacking}):
        say(f"note: {rest} other days were published, which are not in this folder; --from and --to say which you asked for")


def check_log(problems: list[str]) -> list[bytes]:
    """The records of the log; each has to name the hash of the one before it."""
    records = bytes_of(HERE / "log.jsonl").splitlines()
    before = "0" * 64
    for number, record in enumerate(records, 1):
        seq, *_, previous = json.loads(record)
        if seq != number or previous != before:
            problems.append(f"log: event {number} does not follow the one before it")
        before = hashlib.sha256(record).hexdigest()
    return records


def check_checkpoint(records: list[bytes], note: str, key: str, problems: list[str], *, whole: bool) -> None:
    """Hold the log against a signed checkpoint; whole: it has to be that of all of its events."""
    text, _, signatures = note.partition("\n\n")
    _origin, size, root = text.split("\n")
    if int(size) > len(records) or (whole and int(size) != len(records)):
        problems.append(f"checkpoint: it knows {size} events, the log has {len(records)}")
    elif base64.b64encode(tree_root([hashlib.sha256(b"\x00" + r).digest() for r in records[: int(size)]])).decode() != root:
        problems.append(f"checkpoint: the first {size} events are not those that were signed")
    name, key_hash, encoded = key.split("+", 2)
    public = base64.b64decode(encoded)[1:]
    if hashlib.sha256(name.encode() + b"\n\x01" + public).hexdigest()[:8] != key_hash:
        problems.append("key: it is damaged")
    ours = [line.split(" ")[2] for line in signatures.splitlines() if line.startswith(f"— {name} ")]
    if not any(is_signed(public, (text + "\n").encode(), base64.b64decode(part)[4:]) for part in ours):
        problems.append(f"checkpoint: it is not signed by {name}, or was changed")


def tree_root(level: list[bytes]) -> bytes:
    """The Merkle root over leaf hashes (RFC 6962)."""
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + level[n] + level[n + 1]).digest() for n in range(0, len(level) - 1, 2)]
        level = pairs + ([level[-1]] if len(level) % 2 else [])
    return level[0] if level else hashlib.sha256(b"").digest()


def check_period(
    folder: Path, log: list[Any], before: tuple[str, Summary] | None, problems: list[str]
) -> tuple[str, Summary]:
    """Check one period; its name and closing amounts, for the next."""
    period = folder.name
    text = text_of(folder / "manifest.json")
    manifest = json.loads(text)
    told = [(seq, kind, actor, json.loads(payload)) for seq, _, actor, kind, payload, _ in log]
    published = [said for _, kind, _, said in told if kind == "published" and said["period"] == period]
    ours = [said for said in published if said["version"] == manifest["version"]]
    if not ours or ours[-1]["manifest"] != hashlib.sha256(text.encode()).hexdigest() or ours[-1]["digest"] != manifest["digest"]:
        problems.append(f"{period}: the log does not say that this manifest was published")
    elif ours[-1] is not published[-1]:
        problems.append(f"{period}: this is version {manifest['version']}, and the log has version {published[-1]['version']}")
    damaged = False
    for name, entry in manifest["tables"].items():
        path = folder / "tables" / f"{name}.csv"
        head, _, rows = path.read_bytes().partition(b"\n") if path.is_file() else (b"", b"", b"")
        if not path.is_file():
            problems.append(f"{period}: the table {name} is not there")
        elif hashlib.sha256(head + rows).hexdigest() != entry["digest"]:
            problems.append(f"{period}: the table {name} is not the one that was published")
        else:
            continue
        damaged = True
    names = {path.name for path in (folder / "tables").iterdir()}
    problems += [f"{period}: {name} is no table that was published" for name in sorted(names - {f"{t}.csv" for t in manifest["tables"]})]
    erased = {sha: file["digest"] for _, kind, _, said in told if kind == "person_erased" for sha, file in said["files"].items()}
    check_raw(period, manifest, erased, problems)
    summary: Summary = {}
    try:
        summary = check_amounts(folder, period, before, problems)
    except (ValueError, LookupError, TypeError, ArithmeticError, csv.Error):
        if not damaged:  # else it was told
            raise
    say(f"{period} version {manifest['version']} of {len(published)}: {state_of(told, period, manifest['digest'])}")
    return period, summary


def check_raw(period: str, manifest: Any, erased: dict[str, str], problems: list[str]) -> None:
    """Raw files, where the folder has them. erased: the digests of those from which the log says that people were erased."""
    if not (HERE / "raw").is_dir():
        return
    for entry in manifest["inputs"]:
        path = HERE / "raw" / entry["sha256"]
        found = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        if found == erased.get(entry["sha256"]):
            say(f"{period}: people were erased from the raw file {entry['file']}; it is what the log says was put in its place")
        elif found != entry["sha256"]:
            problems.append(f"{period}: the raw file {entry['file']} is missing or was changed")


def check_amounts(folder: Path, period: str, before: tuple[str, Summary] | None, problems: list[str]) -> Summary:
    """opening + left - right = closing = sum of the differences, and opening = closing of the day before."""
    open_now: dict[tuple[str, ...], Decimal] = {}
    for row in table(folder, "variances"):
        place = (row["leg"], row["entity"], row["currency"])
        open_now[place] = open_now.get(place, Decimal(0)) + Decimal(row["difference"])
    found: Summary = {}
    for row in table(folder, "recon_summary"):
        place = (row["leg"], row["entity"], row["currency"])
        money = {name: Decimal(row[name]) for name in MONEY}
        found[place] = money
        if money["opening"] + money["left_amount"] - money["right_amount"] != money["closing"]:
            problems.append(f"{period}: {' '.join(place)} does not add up")
        if open_now.get(place, Decimal(0)) != money["closing"]:
            problems.append(f"{period}: {' '.join(place)} closes with {money['closing']}, its differences are {open_now.get(place, 0)}")
        if before and is_next(before[0], period) and place in before[1] and before[1][place]["closing"] != money["opening"]:
            problems.append(f"{period}: {' '.join(place)} does not open as {before[0]} has closed")
    problems += [f"{period}: {' '.join(place)} has differences and no line in recon_summary" for place in open_now.keys() - found.keys()]
    return found


def state_of(told: list[Any], period: str, digest: str) -> str:
    """Who has signed and closed this version, from the log alone."""
    signed: dict[str, str] = {}
    closed = ""
    for _, kind, actor, said in told:
        if said.get("period") != period:
            continue
        if kind == "signed" and said["digest"] == digest:
            signed[said["role"]] = actor
        elif kind == "closed" and said["digest"] == digest:
            closed = actor
        elif kind == "reopened":
            signed, closed = {}, ""
    names = ", ".join(f"{role} {name}" for role, name in sorted(signed.items()))
    return f"{f'closed by {closed}' if closed else 'NOT closed'}; signed by {names or 'nobody'}"


def table(folder: Path, name: str) -> list[dict[str, str]]:
    """The rows of a table of the folder."""
    path = folder / "tables" / f"{name}.csv"
    if not path.is_file():
        return []
    head, _, rows = path.read_text(encoding="utf-8").partition("\n")
    columns = [column for column, _ in json.loads(head)]
    return [dict(zip(columns, row, strict=True)) for row in csv.reader(io.StringIO(rows))]


def is_next(day: str, other: str) -> bool:
    """Whether a day follows another."""
    return dt.date.fromisoformat(day) + dt.timedelta(days=1) == dt.date.fromisoformat(other)


def is_signed(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether an Ed25519 signature holds."""
    a, r = point(public), point(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if len(signature) != 64 or a is None or r is None or s >= ORDER:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    y = 4 * pow(5, P - 2, P) % P
    base = point(y.to_bytes(32, "little"))
    return base is not None and same(times(base, s), plus(r, times(a, k)))


def point(encoded: bytes) -> Point | None:
    """A point of the curve from its 32 bytes."""
    number = int.from_bytes(encoded, "little")
    y, odd = number & (2**255 - 1), number >> 255
    if len(encoded) != 32 or y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - square) % P or (x == 0 and odd):
        return None
    x = P - x if x % 2 != odd else x
    return x, y, 1, x * y % P


def plus(a: Point, b: Point) -> Point:
    """The sum of two points."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    o, q = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, q - o, q + o, n + m
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(a: Point, number: int) -> Point:
    """A point so many times."""
    found: Point = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = plus(found, a)
        a, number = plus(a, a), number >> 1
    return found


def same(a: Point, b: Point) -> bool:
    """Whether two points are one."""
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def say(text: str) -> None:
    """Tell whoever runs this."""
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
