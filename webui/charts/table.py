"""The figures of a chart as the rows of a table."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from webui.charts.svg import Cells
from webui.charts.times import moment_text
from webui.charts.types import Chart


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    head: Markup
    rows: Markup


def table(chart: Chart, cells: Cells) -> Table:
    """The newest first; what was not recorded is left out."""
    return Table(chart.title, _head(chart), _rows(chart, cells))


def _head(chart: Chart) -> Markup:
    names = Markup("").join(Markup('<th scope="col" class="number">{}</th>').format(line.label) for line in chart.lines)
    return Markup('<tr><th scope="col">Time</th>{}</tr>').format(names)


def _rows(chart: Chart, cells: Cells) -> Markup:
    length = chart.end - chart.start
    rows: list[str] = []
    for number, words in enumerate(zip(*cells, strict=True)):
        if chart.known[number]:
            at = chart.start + number * chart.step
            figures = '</td><td class="number">'.join(words)
            when = f'<th scope="row" data-at="{at}">{moment_text(at, length)}</th>'
            rows.append(f'<tr>{when}<td class="number">{figures}</td></tr>')
    return Markup("".join(reversed(rows)))  # noqa: S704 - figures and times
