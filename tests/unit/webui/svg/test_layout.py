"""Where the boxes stand: apart from each other, inside the picture, always the same."""

from __future__ import annotations

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.svg.layout import Layout, Size, lay_out

sizes = st.builds(Size, st.floats(40, 300), st.floats(20, 300), st.floats(4, 120), st.floats(4, 120))
ROUNDING = 0.2


def apart(layout: Layout, card: Size) -> bool:
    """No card lies over another."""
    return all(
        abs(one.x - other.x) >= card.width - ROUNDING or abs(one.y - other.y) >= card.height - ROUNDING
        for one, other in combinations(layout.places, 2)
    )


def inside(layout: Layout, card: Size) -> bool:
    return all(
        place.x >= 0
        and place.y >= 0
        and place.x + card.width <= layout.width + ROUNDING
        and place.y + card.height <= layout.height + ROUNDING
        for place in layout.places
    )


@given(st.integers(1, 120), sizes, st.integers(1, 8))
def test_no_card_covers_another_and_none_sticks_out(count: int, card: Size, columns: int) -> None:
    """For any number of cards of any size."""
    layout = lay_out(count, card, columns)
    assert len(layout.places) == count
    assert apart(layout, card)
    assert inside(layout, card)
    assert layout == lay_out(count, card, columns)


@pytest.mark.parametrize("count", range(3, 9))
def test_few_boxes_stand_around_this_one(count: int) -> None:
    """It is in the middle: nothing is on one side of it only, but by the odd one out."""
    this, *others = lay_out(count, Size(100, 50, 20, 20), 3).places
    left = sum(place.x < this.x for place in others)
    right = sum(place.x > this.x for place in others)
    assert left == right


@pytest.mark.parametrize("count", [9, 20, 21, 50, 100])
def test_among_many_this_box_is_near_the_middle(count: int) -> None:
    """As the picture's description says."""
    card = Size(100, 50, 20, 20)
    layout = lay_out(count, card, 6)
    this = layout.places[0]
    assert abs(this.x + card.width / 2 - layout.width / 2) <= card.width + card.gap_x
    assert abs(this.y + card.height / 2 - layout.height / 2) <= card.height + card.gap_y
