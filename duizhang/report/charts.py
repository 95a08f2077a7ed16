"""Pictures as inline SVG, drawn by Vega through Altair: no script, no network, the colours and fonts those of the page.

Every size is fixed, so that a picture does not depend on the fonts of the machine that draws it. Colours are CSS variables of the
page, which follows light and dark. A kind of picture is one specification, made once; a picture puts its rows and the ends of its
axes in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from markupsafe import Markup, escape

if TYPE_CHECKING:
    import altair as alt

WIDTH = 320
INK, SOFT, LINE = "currentColor", "var(--soft)", "var(--line)"
COLOURS = {
    "total": "var(--total)", "transit": "var(--transit)", "differs": "var(--differs)", "unexplained": "var(--bad)",
    "carried": "var(--carried)",
}
_ROW, _BAR_TOP, _BAR = 31, 17, 9
_NUMBER = re.compile(r"-?\d+\.\d{3,}")


@dataclass(frozen=True)
class Step:
    """A row of a waterfall: it goes from `start` to `end`; a total is drawn from the edge."""

    label: str
    shown: str
    start: float
    end: float
    colour: str
    is_total: bool = False


def waterfall(steps: Sequence[Step], name: str, title: str, description: str) -> tuple[Markup, bool]:
    """From the first total to the last; and whether the axis leaves out a part, so that small steps can be seen."""
    low, high, is_cut = _domain(steps)
    edge = (low if high > 0 else high) if is_cut else 0.0
    drawn = [
        (step.label, edge if step.is_total else step.start, step.end, step.shown, step.colour) for step in steps
    ]
    ties = [{"x": step.end, "y": n * _ROW + _BAR_TOP + _BAR, "y2": (n + 1) * _ROW + _BAR_TOP} for n, step in enumerate(steps[:-1])]
    return _rows(drawn, ties, low, high, name, title, description), is_cut


def bars(rows: Sequence[tuple[str, float, str, str]], name: str, title: str, description: str) -> Markup:
    """Horizontal bars from zero: label, value, the value in words, colour."""
    values = [0.0, *(value for _, value, _, _ in rows)]
    low, high = min(values), max(values)
    drawn = [(label, 0.0, value, shown, colour) for label, value, shown, colour in rows]
    return _rows(drawn, [], low, high if high > low else low + 1, name, title, description)


def over_time(
    days: Sequence[tuple[str, float]], band: Mapping[str, tuple[float, float]], name: str, title: str, description: str,
) -> Markup:
    """A bar a day, the last one marked, and behind them the usual band where there is one, by day: low, high."""
    width, height, last = 2 * WIDTH - 34, 150, len(days) - 1
    shade = [{"x": n, "x2": n + 1, "y": max(band[day][0], 0.0), "y2": band[day][1]} for n, (day, _) in enumerate(days) if day in band]
    drawn = [
        {"x": n + 0.18, "x2": n + 0.82, "y": 0, "y2": value, "c": "differs" if n == last else "total"}
        for n, (_, value) in enumerate(days)
    ]
    every = max(1, round(len(days) / 7))
    ticks = [{"x": n + 0.5, "text": day[5:]} for n, (day, _) in enumerate(days) if (last - n) % every == 0]
    top = max([1.0, *(value for _, value in days), *(s["y2"] for s in shade)])
    return _svg(_timeline(), width, height, {"shade": shade, "bars": drawn, "ticks": ticks}, {"right": max(len(days), 1), "top": top * 1.1},
                name, title, description, padding=(30, 6, 4, 22))


def spark(values: Sequence[float | None], name: str, title: str, *, band: tuple[float, float] | None = None,
          low: float | None = None, high: float | None = None, is_bars: bool = False) -> Markup:
    """A small line (or bars) of a value a day, the last one marked; None is a day without one."""
    points = [{"x": n, "y": value, "y2": 0.0, "x1": n - 0.35, "x2": n + 0.35} for n, value in enumerate(values) if value is not None]
    if not points:
        return Markup()
    reach = [float(p["y"]) for p in points] + list(band or ())
    bottom, top = (min(reach) if low is None else low), (max(reach) if high is None else high)
    if top - bottom < 1e-9:
        bottom, top = bottom - 0.5, top + 0.5
    data = {
        "shade": [{"y": max(band[0], bottom), "y2": min(band[1], top)}] if band else [],
        "bars": points if is_bars else [], "line": [] if is_bars else points, "dot": [] if is_bars else points[-1:],
    }
    return _svg(_small(), 96, 22, data, {"right": max(len(values) - 0.5, 0.5), "bottom": bottom, "top": top}, name, title, "",
                padding=(3, 3, 5, 3))


def _rows(
    drawn: Sequence[tuple[str, float, float, str, str]], ties: list[dict[str, float]], low: float, high: float, name: str, title: str,
    description: str,
) -> Markup:
    """A row each: label on the left and value on the right, the bar beneath them."""
    bars_ = [
        {"x": min(a, b), "x2": max(a, b), "y": n * _ROW + _BAR_TOP, "y2": n * _ROW + _BAR_TOP + _BAR, "c": colour}
        for n, (_, a, b, _, colour) in enumerate(drawn)
    ]
    words = [{"y": n * _ROW + _BAR_TOP - 4, "label": label, "shown": shown} for n, (label, _, _, shown, _) in enumerate(drawn)]
    height = max(len(drawn), 1) * _ROW
    return _svg(_bar_rows(), WIDTH, height, {"bars": bars_, "ties": ties, "words": words}, {"low": low, "high": high, "tall": height},
                name, title, description)


def _domain(steps: Sequence[Step]) -> tuple[float, float, bool]:
    """Where the axis begins and ends: not at zero where the steps would be too small to be seen beside the totals."""
    levels = [level for step in steps for level in ((step.end,) if step.is_total else (step.start, step.end))]
    low, high = min(levels), max(levels)
    reach, farthest = high - low, max(abs(low), abs(high))
    if reach and reach < 0.3 * farthest and (low > 0 or high < 0):
        return (low - 0.5 * reach, high + 0.03 * reach, True) if low > 0 else (low - 0.03 * reach, high + 0.5 * reach, True)
    return min(low, 0.0), (max(high, 0.0) if farthest else 1.0), False


@cache
def _bar_rows() -> dict[str, Any]:
    import altair as alt

    x, y = _across("low", "high"), _down()
    words = _layer("words").mark_text
    return _template(
        _layer("ties").mark_rule(color=SOFT, opacity=0.45, strokeWidth=1).encode(x=x, y=y, y2=alt.Y2(field="y2")),
        _layer("bars").mark_bar(cornerRadius=1.5).encode(x=x, x2=alt.X2(field="x2"), y=y, y2=alt.Y2(field="y2"), color=_colours()),
        words(align="left", baseline="alphabetic", fontSize=11.5, color=INK).encode(
            x=alt.value(0), y=y, text=alt.Text(field="label", type="nominal")),
        words(align="right", baseline="alphabetic", fontSize=11.5, color=INK).encode(
            x=alt.value(WIDTH), y=y, text=alt.Text(field="shown", type="nominal")),
    )


@cache
def _timeline() -> dict[str, Any]:
    import altair as alt

    axis = alt.Axis(title=None, tickCount=4, domain=False, ticks=False, labelColor=SOFT, gridColor=LINE, labelFontSize=10.5, format=",d")
    x, y, y2 = _across(0, "right"), alt.Y(field="y", type="quantitative", axis=axis, scale=_scale(0, "top")), alt.Y2(field="y2")
    return _template(
        _layer("shade").mark_rect(color="var(--band)").encode(x=x, x2=alt.X2(field="x2"), y=y, y2=y2),
        _layer("bars").mark_bar(cornerRadius=1).encode(x=x, x2=alt.X2(field="x2"), y=y, y2=y2, color=_colours()),
        _layer("ticks").mark_text(fontSize=10.5, color=SOFT, baseline="top").encode(
            x=x, y=alt.value(156), text=alt.Text(field="text", type="nominal")),
    )


@cache
def _small() -> dict[str, Any]:
    import altair as alt

    x, y, y2 = _across(-0.5, "right"), alt.Y(field="y", type="quantitative", axis=None, scale=_scale("bottom", "top")), alt.Y2(field="y2")
    return _template(
        _layer("shade").mark_rect(color="var(--band)").encode(x=alt.value(0), x2=alt.value(96), y=y, y2=y2),
        _layer("bars").mark_bar(color=COLOURS["differs"]).encode(
            x=alt.X(field="x1", type="quantitative", axis=None, scale=_scale(-0.5, "right")), x2=alt.X2(field="x2"), y=y, y2=y2),
        _layer("line").mark_line(color=SOFT, strokeWidth=1.3).encode(x=x, y=y),
        _layer("dot").mark_point(color=COLOURS["differs"], filled=True, size=22, opacity=1).encode(x=x, y=y),
    )


def _layer(data: str) -> alt.Chart:
    import altair as alt

    return alt.Chart(alt.NamedData(name=data))


def _scale(low: float | str, high: float | str) -> alt.Scale:
    """From one end to the other, each a number or the name of a parameter."""
    import altair as alt

    ends = [alt.expr(end) if isinstance(end, str) else end for end in (low, high)]
    return alt.Scale(domain=ends, nice=False, zero=False)


def _across(low: float | str, high: float | str) -> alt.X:
    import altair as alt

    return alt.X(field="x", type="quantitative", axis=None, scale=_scale(low, high))


def _down() -> alt.Y:
    """Pixels from the top."""
    import altair as alt

    return alt.Y(field="y", type="quantitative", axis=None, scale=_scale("tall", 0))


def _colours() -> alt.Color:
    import altair as alt

    return alt.Color(field="c", type="nominal", legend=None, scale=alt.Scale(domain=list(COLOURS), range=list(COLOURS.values())))


def _template(*layers: alt.Chart) -> dict[str, Any]:
    """The specification of a kind of picture, without its rows, its size and the ends of its axes."""
    import altair as alt

    whole = alt.layer(*layers).properties(autosize=alt.AutoSizeParams(type="none"))
    whole = whole.configure(background="transparent", font="inherit", aria=False).configure_view(stroke=None)
    found: dict[str, Any] = whole.to_dict()
    return found


def _svg(
    template: Mapping[str, Any], width: int, height: int, data: Mapping[str, list[dict[str, Any]]], ends: Mapping[str, float], name: str,
    title: str, description: str, *, padding: tuple[int, int, int, int] = (1, 0, 1, 2),
) -> Markup:
    """The SVG as a part of a page: named and described as a whole for who cannot see it, without what only a script would use."""
    import vl_convert

    sides = dict(zip(("left", "top", "right", "bottom"), padding, strict=True))
    text = str(vl_convert.vegalite_to_svg({
        **template, "width": width, "height": height, "padding": sides, "datasets": dict(data),
        "params": [{"name": end, "value": value} for end, value in ends.items()],
    }))
    wide, tall = width + sides["left"] + sides["right"], height + sides["top"] + sides["bottom"]
    body = text[text.index(">") + 1 :].removesuffix("</svg>")
    body = re.sub(r'<path class="(?:background|foreground)"[^>]*/>| (?:class|pointer-events|role|aria-[a-z]+)="[^"]*"', "", body)
    body = _NUMBER.sub(lambda m: f"{float(m[0]):.2f}".rstrip("0").rstrip("."), body)
    about = f'<title id="{escape(name)}-t">{escape(title)}</title>'
    named = f"{escape(name)}-t"
    if description:
        about += f'<desc id="{escape(name)}-d">{escape(description)}</desc>'
        named += f" {escape(name)}-d"
    return Markup(  # noqa: S704 - Vega escapes what is text in it, and the rest is escaped above
        f'<svg viewBox="0 0 {wide} {tall}" width="{wide}" height="{tall}" role="img" aria-labelledby="{named}">{about}{body}</svg>'
    )
