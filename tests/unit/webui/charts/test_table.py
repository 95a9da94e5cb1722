"""The figures of a chart in words."""

from __future__ import annotations

from dataclasses import replace
from xml.etree.ElementTree import fromstring

from tests.unit.webui.charts.builders import START, make_chart
from webui.charts.svg import draw
from webui.charts.table import Table, table
from webui.charts.types import Chart


def table_of(chart: Chart) -> Table:
    return table(chart, draw(chart).cells)


def test_each_step_is_a_row_the_newest_first() -> None:
    """What was not recorded is left out; what is not known is said."""
    made = table_of(make_chart((1.0, None, 0.5), (2.0, None, None)))
    rows = [["".join(cell.itertext()) for cell in row] for row in fromstring(f"<tbody>{made.rows}</tbody>")]
    assert rows == [["08:00:40", "0.5", "not known"], ["08:00:00", "1", "2"]]
    assert f'data-at="{START}"' in made.rows


def test_the_head_names_the_lines() -> None:
    """Their names are not trusted."""
    chart = make_chart((1.0,))
    chart = replace(chart, lines=(replace(chart.lines[0], label="<i>"),))
    head = fromstring(table_of(chart).head)
    assert ["".join(cell.itertext()) for cell in head] == ["Time", "<i>"]


def test_an_empty_chart_has_an_empty_table() -> None:
    """And no error."""
    assert table_of(make_chart()).rows == ""
