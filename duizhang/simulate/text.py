"""How values are written in raw files: money, instants, CSV lines, ZIP and XLSX with fixed time stamps."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path

import polars as pl

from duizhang.simulate.world import Plan

_EPOCH = (1980, 1, 1, 0, 0, 0)


def major(name: str | pl.Expr, places: int = 2) -> pl.Expr:
    """Smallest units as an amount with so many decimals."""
    value = pl.col(name) if isinstance(name, str) else name
    size, unit = value.abs(), int(10**places)
    sign = pl.when(value < 0).then(pl.lit("-")).otherwise(pl.lit(""))
    whole = sign + (size // unit).cast(pl.String)
    return whole + "." + (size % unit).cast(pl.String).str.zfill(places) if places else whole


def money(units: int, places: int = 2) -> str:
    """One amount in smallest units as text with so many decimals."""
    whole = f"{'-' if units < 0 else ''}{abs(units) // 10**places}"
    return f"{whole}.{abs(units) % 10**places:0{places}d}" if places else whole


def local(plan: Plan) -> Callable[[str | pl.Expr], pl.Expr]:
    """`major` for amounts in the currency at home."""
    return partial(major, places=plan.places)


def by_shop(plan: Plan) -> Callable[[str | pl.Expr], pl.Expr]:
    """`major` for amounts in the currency of the row's shop."""
    return lambda name: pl.when(pl.col("shop") == "us-01").then(major(name)).otherwise(major(name, plan.places))


def moment(plan: Plan, name: str | pl.Expr, pattern: str = "%Y-%m-%d %H:%M:%S") -> pl.Expr:
    """Seconds since the first midnight as local time."""
    value = pl.col(name) if isinstance(name, str) else name
    return (pl.lit(plan.start).cast(pl.Datetime("us")) + pl.duration(seconds=value)).dt.strftime(pattern)


def csv_lines(frame: pl.DataFrame, cells: Sequence[pl.Expr | str], separator: str = ",") -> list[str]:
    """One line a row; a plain string is a constant cell."""
    parts = [pl.lit(cell) if isinstance(cell, str) else cell.cast(pl.String).fill_null("") for cell in cells]
    if not frame.height:
        return []
    return frame.select(line=pl.concat_str(parts, separator=separator))["line"].to_list()


def write_text(
    path: Path, lines: Iterable[str], encoding: str = "utf-8", newline: str = "\n"
) -> None:
    """Lines to a file, each ended, in the encoding and with the line ends of its source."""
    path.write_bytes(text_bytes(lines, encoding, newline))


def text_bytes(lines: Iterable[str], encoding: str = "utf-8", newline: str = "\n") -> bytes:
    """Lines as bytes, each one ended."""
    return "".join(line + newline for line in lines).encode(encoding)


class _RawName(zipfile.ZipInfo):
    """A member whose name is raw GBK bytes without the UTF-8 flag, as Alipay's archives have it."""

    def _encodeFilenameFlags(self) -> tuple[bytes, int]:
        return self.filename.encode("gbk"), self.flag_bits & ~0x800


def write_zip(path: Path, members: Sequence[tuple[str, bytes]]) -> None:
    """A ZIP with GBK member names in the given order and fixed time stamps."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members:
            entry = _RawName(name, _EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, data)
    path.write_bytes(buffer.getvalue())
