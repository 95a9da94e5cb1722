"""Labels of the time axis."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.activity.series import RANGES, ranges
from webui.charts.times import DAY, HOUR, MOST_LABELS, moment_text, time_ticks

NOON = 1_800_014_400  # 12:00 on 15 January 2027


@given(st.integers(0, 4 * 10**9), st.sampled_from([*RANGES, ranges(90)[-1], ranges(30)[-1]]).map(lambda x: x.seconds))
def test_a_few_labels_at_round_times(start: int, length: int) -> None:
    """Within the axis, in order, evenly apart."""
    ticks = time_ticks(start, start + length)
    assert 2 <= len(ticks) <= MOST_LABELS + 1
    assert all(0 <= tick.share < 1 and tick.at % 300 == 0 for tick in ticks)
    assert len({b.at - a.at for a, b in pairwise(ticks)}) == 1


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (HOUR, ["12:00", "12:10", "12:20", "12:30", "12:40", "12:50"]),
        (6 * HOUR, ["12:00", "13:00", "14:00", "15:00", "16:00", "17:00"]),
        (DAY, ["12:00", "16:00", "20:00", "00:00", "04:00", "08:00"]),
        (14 * DAY, ["17 Jan", "20 Jan", "23 Jan", "26 Jan", "29 Jan"]),
    ],
)
def test_labels_of_the_usual_ranges(length: int, words: list[str]) -> None:
    """Hours up to a day, days beyond."""
    assert [tick.text for tick in time_ticks(NOON, NOON + length)][:6] == words


def test_a_step_is_called_as_exactly_as_its_range_needs() -> None:
    """Seconds within an hour, the day beyond one."""
    said = [moment_text(NOON + 20, length) for length in (HOUR, DAY, 14 * DAY)]
    assert said == ["12:00:20", "12:00", "15 Jan 12:00"]
