"""The drawing of a chart. Pure: the same figures give the same characters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from markupsafe import Markup, escape

from webui.charts.scale import Axis, finite
from webui.charts.times import moment_text, time_ticks
from webui.charts.types import Chart, Line

GUTTER = 15.0  # percent of the width, for the figures of the axis
PLOT_TOP, PLOT_HEIGHT, HEIGHT = 12, 150, 190  # pixels
TIMES_AT = PLOT_TOP + PLOT_HEIGHT + 19
SLOT, DEPTH = 10, 100  # the inner drawing: so wide is a step, so high is the plot
STRIPED = frozenset({"refused"})  # filled with a pattern of the same name


@dataclass(frozen=True, slots=True)
class Key:
    """An entry of the legend."""

    label: str
    style: str
    said: str
    fill: str | None  # the pattern of a stacked chart


Cells = tuple[tuple[str, ...], ...]  # for each line the words of its values


@dataclass(frozen=True, slots=True)
class Drawing:
    id: str
    title: str
    about: str
    svg: Markup
    keys: tuple[Key, ...]
    stacked: bool
    cells: Cells


def draw(chart: Chart) -> Drawing:
    lines = tuple(replace(line, values=finite(line.values)) for line in chart.lines)
    cells = tuple(tuple(map(chart.unit.text, line.values)) for line in lines)
    axis = chart.unit.axis(_highest(lines, stacked=chart.stacked), chart.top)
    plot = (
        f'<svg x="{GUTTER:g}%" y="{PLOT_TOP}" width="{100 - GUTTER:g}%" height="{PLOT_HEIGHT}" '
        f'viewBox="0 0 {SLOT * len(chart.known)} {DEPTH}" preserveAspectRatio="none">'
    )
    figures = _stack(chart.id, lines, axis) if chart.stacked else _lines(lines, axis)
    parts = (
        *_words(chart, lines),
        *_grid(axis),
        *_time_axis(chart),
        plot,
        *_gaps(chart.known),
        *figures,
        *_bands(chart, lines, cells),
        "</svg></svg>",
    )
    keys = tuple(_key(chart, line) for line in lines)
    return Drawing(chart.id, chart.title, chart.about, Markup("".join(parts)), keys, chart.stacked, cells)  # noqa: S704 - each part escapes its words


def _key(chart: Chart, line: Line) -> Key:
    latest = next((value for value in reversed(line.values) if value is not None), None)
    fill = f"url(#{chart.id}-{line.style})" if chart.stacked and line.style in STRIPED else None
    return Key(line.label, line.style, line.said or chart.unit.text(latest), fill)


def _highest(lines: Sequence[Line], *, stacked: bool) -> float:
    if stacked:
        return max(
            (sum(value or 0 for value in step) for step in zip(*(x.values for x in lines), strict=True)), default=0
        )
    return max((value for line in lines for value in line.values if value is not None), default=0)


def _words(chart: Chart, lines: Sequence[Line]) -> Iterator[str]:
    """The drawing for who cannot see it."""
    yield (
        f'<svg class="chart" role="img" height="{HEIGHT}" aria-labelledby="{chart.id}-title {chart.id}-desc">'
        f'<title id="{chart.id}-title">{escape(chart.title)}</title><desc id="{chart.id}-desc">'
    )
    for line in lines:
        values = [value for value in line.values if value is not None]
        highest, latest = (chart.unit.text(value) for value in ((max(values), values[-1]) if values else (None, None)))
        said = f"{line.label}: at most {highest}, at last {latest}. " if values else f"{line.label}: not known. "
        yield str(escape(said))
    yield "</desc>"
    for line in lines if chart.stacked else ():
        if line.style in STRIPED:
            yield (
                f'<pattern id="{chart.id}-{line.style}" width="6" height="5" patternUnits="userSpaceOnUse">'
                f'<rect class="fill {line.style}" width="6" height="3"/></pattern>'
            )


def _grid(axis: Axis) -> Iterator[str]:
    for value, text in axis.ticks:
        y = PLOT_TOP + PLOT_HEIGHT * (1 - axis.share(value))
        yield f'<line class="grid" x1="{GUTTER:g}%" x2="100%" y1="{y:.1f}" y2="{y:.1f}"/>'
        yield f'<text x="{GUTTER - 1:g}%" y="{y + 4:.1f}" text-anchor="end">{escape(text)}</text>'


def _time_axis(chart: Chart) -> Iterator[str]:
    for tick in time_ticks(chart.start, chart.end):
        x = GUTTER + (100 - GUTTER) * tick.share
        anchor = "end" if x > 95 else "middle"
        kind = "data-day" if tick.day else "data-clock"
        place, foot = f'x1="{x:.2f}%" x2="{x:.2f}%"', PLOT_TOP + PLOT_HEIGHT
        yield f'<line class="grid" {place} y1="{foot}" y2="{foot + 5}"/>'
        yield f'<text x="{x:.2f}%" y="{TIMES_AT}" text-anchor="{anchor}" {kind}="{tick.at}">{tick.text}</text>'


def _gaps(known: Sequence[bool]) -> Iterator[str]:
    """Where the box recorded nothing."""
    start = None
    for number, is_known in enumerate((*known, True)):
        if not is_known and start is None:
            start = number
        elif is_known and start is not None:
            yield f'<rect class="gap" x="{start * SLOT}" y="0" width="{(number - start) * SLOT}" height="{DEPTH}"/>'
            start = None


def _stack(chart_id: str, lines: Sequence[Line], axis: Axis) -> Iterator[str]:
    """Bars, each line upon the one before."""
    heights = [0.0] * (len(lines[0].values) if lines else 0)
    for line in lines:
        path = []
        for number, value in enumerate(line.values):
            if value:
                below, heights[number] = axis.share(heights[number]) * DEPTH, heights[number] + value
                above = axis.share(heights[number]) * DEPTH
                path.append(f"M{number * SLOT + 1} {DEPTH - below:.1f}h{SLOT - 2}V{DEPTH - above:.1f}h{2 - SLOT}z")
        if path:
            fill = f' fill="url(#{chart_id}-{line.style})"' if line.style in STRIPED else ""
            yield f'<path class="fill {line.style}"{fill} d="{"".join(path)}"/>'


def _lines(lines: Sequence[Line], axis: Axis) -> Iterator[str]:
    """Broken where a value is not known; a lonely value is a dot."""
    for line in lines:
        path, drawn, values = [], False, (*line.values, None)
        for number, value in enumerate(line.values):
            if value is None:
                drawn = False
                continue
            y = DEPTH - axis.share(value) * DEPTH
            dot = "" if drawn or values[number + 1] is not None else "h.1"
            path.append(f"{'L' if drawn else 'M'}{number * SLOT + SLOT // 2} {y:.1f}{dot}")
            drawn = True
        if path:
            yield f'<path class="line {line.style}" d="{"".join(path)}"/>'


def _bands(chart: Chart, lines: Sequence[Line], cells: Cells) -> Iterator[str]:
    """One over each step that has something to tell, with its figures for who points at it."""
    length = chart.end - chart.start
    labels = [f"\n{escape(line.label)}: " for line in lines]
    told = zip(*(line.values for line in lines), strict=True)
    for number, (values, words) in enumerate(zip(told, zip(*cells, strict=True), strict=True)):
        if not any(values) if chart.stacked else all(value is None for value in values):
            continue
        at = chart.start + number * chart.step
        said = "".join([label + word for label, word in zip(labels, words, strict=True)])
        yield (
            f'<rect class="band" x="{number * SLOT}" y="0" width="{SLOT}" height="{DEPTH}" data-at="{at}">'
            f"<title>{moment_text(at, length)} UTC{said}</title></rect>"
        )
