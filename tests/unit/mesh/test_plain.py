"""Text of other boxes made harmless."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.plain import LONGEST, MOST, bounded, plain
from tests.peers import HOSTILE_TEXTS


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("den", "den"),
        ("  two  words ", "two words"),
        ("\u202egpj.exe\u202c", "gpj.exe"),
        ("line\nbreak\r\nand\ttab\u2028more\x85", "line break and tab more"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("nul\x00 escape\x1b[31m", "nul escape[31m"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("\u200b\u200d \u3164", ""),
        ("\u0301\u0302", ""),
        ("noncharacter\ufffe\uffff", "noncharacter"),
        ("👩\u200d👧", "👩\u200d👧"),
        ("שלום", "שלום"),
        ("<b>", "<b>"),
    ],
)
def test_what_misleads_is_left_out(text: str, shown: str) -> None:
    """Markup stays: showing it as text is the template's duty."""
    assert plain(text) == shown


def test_nothing_is_endless() -> None:
    """Neither what is shown nor the time that looking at it takes."""
    assert plain("x" * 10_000_000) == "x" * LONGEST
    assert plain("漢" * 500, 10) == "漢" * 10


@pytest.mark.parametrize(("number", "taken"), [(None, None), (5, 5), (-5, 0), (10**400, MOST)])
def test_numbers_are_bounded(number: int | None, taken: int | None) -> None:
    """Any page and any encoder can take them."""
    assert bounded(number) == taken


@given(st.one_of(st.text(st.characters(codec=None)), st.sampled_from(HOSTILE_TEXTS)))
def test_whatever_comes_can_be_written(text: str) -> None:
    """One line that can be encoded, is bounded, and stays as it is the second time."""
    shown = plain(text)
    assert shown.encode().decode() == shown
    assert len(shown) <= LONGEST
    assert shown.splitlines() in ([], [shown])
    assert plain(shown) == shown
