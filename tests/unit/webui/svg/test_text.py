"""Texts cut to the room there is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from webui.svg.text import shorten, width


@pytest.mark.parametrize(
    ("text", "room", "tail", "shown"),
    [
        ("den", 10, 0, "den"),
        ("basement", 8.5, 0, "basement"),
        ("basement-12", 8.5, 0, "basemen…"),
        ("basement-12", 8.5, 2, "basem…12"),
        ("WWWWWWWW", 8, 0, "WWWWW…"),
        ("漢字漢字", 6, 0, "漢字…"),
        ("two words", 5, 0, "two…"),
    ],
)
def test_as_much_as_fits_is_shown(text: str, room: float, tail: int, shown: str) -> None:
    """Broad letters need more room; the end is kept where it tells names apart."""
    assert shorten(text, room, tail) == shown


@given(st.text(), st.integers(4, 40), st.integers(0, 2))
def test_what_is_cut_fits(text: str, room: int, tail: int) -> None:
    """Whatever letters come; only a tail of broad letters may stick out a little."""
    shown = shorten(text, room, tail)
    assert sum(map(width, shown)) <= max(room, 1 + 2 * tail)
