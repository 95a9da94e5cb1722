"""Round numbers, and figures in words."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.charts.scale import BYTES, CELSIUS, COUNT, RATE, SECONDS, SHARE, WATT_HOURS, WATTS, Unit, finite, number

UNITS = (BYTES, CELSIUS, COUNT, RATE, SECONDS, SHARE, WATT_HOURS, WATTS)


@given(st.sampled_from(UNITS), st.floats(0, 1e300))
def test_an_axis_reaches_the_highest_value_in_a_few_round_steps(unit: Unit, highest: float) -> None:
    """Whatever the value is; the steps are even and begin at nought."""
    axis = unit.axis(highest)
    values = [value for value, _ in axis.ticks]
    assert axis.top >= highest * (1 - 1e-6)
    assert values[0] == 0
    assert 2 <= len(values) <= 6
    assert all(math.isclose(b - a, values[1], rel_tol=1e-6) for a, b in pairwise(values))
    assert all(0 <= axis.share(value) <= 1 for value in (0, highest, axis.top, 2 * axis.top, -1))


@pytest.mark.parametrize(
    ("unit", "highest", "top", "words"),
    [
        (RATE, 0, None, ["0", "0.25", "0.5", "0.75", "1"]),
        (RATE, 87, None, ["0", "25", "50", "75", "100"]),
        (COUNT, 1, None, ["0", "1", "2", "3", "4"]),
        (COUNT, 7, None, ["0", "2", "4", "6", "8"]),
        (SECONDS, 0.2, None, ["0 ms", "50 ms", "100 ms", "150 ms", "200 ms"]),
        (SHARE, 0.3, 1.0, ["0 %", "25 %", "50 %", "75 %", "100 %"]),
        (BYTES, 0, float(24 << 30), ["0 GiB", "10 GiB", "20 GiB"]),
        (WATTS, 700, None, ["0 W", "200 W", "400 W", "600 W", "800 W"]),
    ],
)
def test_axes_as_one_would_draw_them(unit: Unit, highest: float, top: float | None, words: list[str]) -> None:
    """A fixed end is kept, and the last round number may lie below it."""
    axis = unit.axis(highest, top)
    assert [text for _, text in axis.ticks] == words
    assert axis.top == (top or axis.ticks[-1][0])


@pytest.mark.parametrize(
    ("unit", "value", "text"),
    [
        (SECONDS, 0.0123, "12.3 ms"),
        (SECONDS, 2.345, "2.35 s"),
        (SHARE, 0.481, "48.1 %"),
        (BYTES, 3 << 29, "1.5 GiB"),
        (BYTES, 0, "0 B"),
        (WATTS, 1234, "1.23 kW"),
        (RATE, 1234.5, "1,234"),
        (RATE, None, "not known"),
    ],
)
def test_figures_in_words(unit: Unit, value: float | None, text: str) -> None:
    """Three digits that matter, in the unit that fits."""
    assert unit.text(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (1e-12, "0"),
        (0.005, "0.005"),
        (0.123456, "0.123"),
        (12.34, "12.3"),
        (99.96, "100"),
        (999_999.4, "999,999"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    """No more digits than one can use, and no powers of ten but for the absurd."""
    assert number(value) == text
    assert number(1e300) == "1.00e+300"


def test_what_is_no_number_is_not_known() -> None:
    """It cannot be drawn."""
    assert finite([1.0, None, math.nan, math.inf, -math.inf, 2]) == (1.0, None, None, None, None, 2)
