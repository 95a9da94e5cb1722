"""Drawings: well-formed, within their bounds, honest about what is not known."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import replace
from xml.etree.ElementTree import Element, fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.webui.charts.builders import START, make_chart
from webui.charts.scale import SHARE
from webui.charts.svg import DEPTH, HEIGHT, SLOT, draw
from webui.charts.types import Chart

VALUES = st.lists(
    st.tuples(*[st.none() | st.floats(allow_nan=True, allow_infinity=True) | st.floats(0, 1e3)] * 2),
    min_size=1,
    max_size=40,
)


def parsed(chart: Chart) -> Element:
    return fromstring(draw(chart).svg)


def all_of(root: Element, tag: str, kind: str) -> list[Element]:
    return [one for one in root.iter(tag) if kind in (one.get("class") or "").split()]


def places(path: str) -> Iterator[tuple[float, float]]:
    """Every corner of a path of our own making."""
    x = y = 0.0
    for command, words in re.findall(r"([MLhVz])([^MLhVz]*)", path):
        numbers = [float(word) for word in words.split()]
        match command:
            case "M" | "L":
                x, y = numbers
            case "h":
                x += numbers[0]
            case "V":
                y = numbers[0]
        yield x, y


def outside(root: Element) -> list[str]:
    """What would be drawn beyond the drawing."""
    inner = next(one for one in root if one.tag == "svg")
    _, _, width, height = (float(word) for word in inner.get("viewBox", "").split())
    parts = [(one, one is not inner and one in list(inner.iter())) for one in root.iter() if one is not root]
    found = [str(one.attrib) for one, within in parts if not (_within(one, width) if within else _beside(one))]
    paths = [one.get("d", "") for one in inner.iter("path")]
    corners = [place for path in paths for place in places(path)]
    return found + [f"{x} {y}" for x, y in corners if not (0 <= x <= width and -0.1 <= y <= height + 0.1)]


def _within(one: Element, width: float) -> bool:
    """A part of the stretched drawing."""
    return float(one.get("x", 0)) >= 0 and float(one.get("x", 0)) + float(one.get("width", 0)) <= width


def _beside(one: Element) -> bool:
    """A part of the drawing around it: shares of the width, and pixels of the height."""
    shares = [value for name in ("x", "x1", "x2", "width") if (value := one.get(name, "")).endswith("%")]
    heights = [float(one.get(name, 0)) for name in ("y", "y1", "y2")]
    return all(0 <= float(value[:-1]) <= 100 for value in shares) and all(0 <= value <= HEIGHT for value in heights)


@given(VALUES, st.booleans(), st.none() | st.just(1.0))
def test_any_figures_make_a_sound_drawing(
    values: list[tuple[float | None, float | None]], stacked: bool, top: float | None
) -> None:
    """Whatever comes: huge, negative, no number, nothing."""
    first, second = (tuple(column) for column in zip(*values, strict=True))
    chart = make_chart(first, second, stacked=stacked, top=top)
    text = draw(chart).svg
    assert outside(fromstring(text)) == []
    assert not re.search(r"nan|inf", re.sub(r"not known", "", text))


@pytest.mark.parametrize(
    "values",
    [(), (None,) * 5, (0.0,) * 5, (7.0,), (7.0,) * 5, (1e300, 1.0), (math.nan, 1.0)],
    ids=["nothing", "not known", "nought", "one point", "all equal", "huge", "no number"],
)
@pytest.mark.parametrize("stacked", [False, True])
def test_odd_charts_are_drawn(values: tuple[float | None, ...], stacked: bool) -> None:
    """And have an axis from nought to a round number."""
    root = parsed(make_chart(values, stacked=stacked))
    words = [one.text for one in root if one.tag == "text" and one.get("text-anchor") == "end"]
    assert (str(words[0])[0], len(words) >= 2, outside(root)) == ("0", True, [])


def test_a_line_is_broken_where_nothing_is_known() -> None:
    """A gap is no nought and no straight line; a value between gaps is a dot."""
    (line,) = all_of(parsed(make_chart((1.0, 1.0, None, 1.0, None, 0.0))), "path", "line")
    assert line.get("d") == "M5 0.0L15 0.0M35 0.0h.1M55 100.0h.1"


def test_what_was_not_recorded_is_shaded() -> None:
    """From where to where, also at both ends."""
    chart = replace(make_chart((1.0,) * 6), known=(False, True, False, False, True, False))
    gaps = [(one.get("x"), one.get("width")) for one in all_of(parsed(chart), "rect", "gap")]
    assert gaps == [("0", "10"), ("20", "20"), ("50", "10")]


def test_bars_stand_upon_each_other() -> None:
    """Each from where the one before ends; what is nought is not drawn."""
    root = parsed(make_chart((1.0, 0.0), (3.0, 2.0), stacked=True))
    lower, upper = all_of(root, "path", "fill")
    assert [list(places(one.get("d", ""))) for one in (lower, upper)] == [
        [(1, 100), (9, 100), (9, 75), (1, 75), (1, 75)],
        [(1, 75), (9, 75), (9, 0), (1, 0), (1, 0), (11, 100), (19, 100), (19, 50), (11, 50), (11, 50)],
    ]


def test_bars_are_told_apart_without_colour() -> None:
    """One is striped, in the drawing and in the legend alike."""
    drawing = draw(make_chart((1.0,), (2.0,), stacked=True))
    root = fromstring(drawing.svg)
    patterns = {one.get("id") for one in root.iter("pattern")}
    fills = [one.get("fill") for one in all_of(root, "path", "fill")]
    assert (patterns, fills, [key.fill for key in drawing.keys]) == (
        {"test-refused"},
        [None, "url(#test-refused)"],
        [None, "url(#test-refused)"],
    )


def test_each_step_tells_its_figures_to_who_points_at_it() -> None:
    """With the time; a step of which nothing is known tells nothing."""
    root = parsed(make_chart((1.0, None, 0.0), (2.5, None, None)))
    bands = all_of(root, "rect", "band")
    assert [one.get("data-at") for one in bands] == [str(START), str(START + 40)]
    assert bands[0].findtext("title") == "08:00:00 UTC\nLine 0: 1\nLine 1: 2.5"
    assert bands[1].findtext("title") == "08:00:40 UTC\nLine 0: 0\nLine 1: not known"


def test_a_chart_is_told_to_who_cannot_see_it() -> None:
    """Its title, and for each line the highest and the latest value."""
    root = parsed(make_chart((0.25, 0.5, None), (None, None, None), unit=SHARE))
    assert root.get("role") == "img"
    assert [root.find(f"*[@id='{name}']") is not None for name in (root.get("aria-labelledby") or "").split()] == [
        True
    ] * 2
    assert root.findtext("desc") == "Line 0: at most 50 %, at last 50 %. Line 1: not known. "


def test_names_are_not_trusted() -> None:
    """A GPU may be called anything."""
    chart = make_chart((1.0,), title="<b>")
    chart = replace(chart, lines=(replace(chart.lines[0], label='</title><script>"'),))
    text = draw(chart).svg
    assert ("<b>" in text, "<script" in text) == (False, False)
    assert fromstring(text).findtext("title") == "<b>"


def test_the_legend_says_the_latest_known_value() -> None:
    """Or what it is told to say."""
    chart = make_chart((1.0, 2.0, None), (None, None, None))
    chart = replace(chart, lines=(*chart.lines, replace(chart.lines[0], said="12 in all")))
    assert [key.said for key in draw(chart).keys] == ["2", "not known", "12 in all"]


def test_the_drawing_has_room_for_every_step() -> None:
    """No more points than steps, and no width of its own."""
    chart = make_chart(tuple(float(n) for n in range(300)))
    root = parsed(chart)
    inner = next(one for one in root if one.tag == "svg")
    assert (inner.get("viewBox"), root.get("viewBox"), root.get("width")) == (f"0 0 {300 * SLOT} {DEPTH}", None, None)
