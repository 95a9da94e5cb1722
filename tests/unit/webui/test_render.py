"""Templates print what can be seen and sent, and name what their blocks show."""

from __future__ import annotations

import pytest
from markupsafe import Markup

from webui.render import Templates, address_part, seen


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain", "plain"),
        ("Ünïcödé 👩\u200d👧 עולם", "Ünïcödé 👩\u200d👧 עולם"),
        ("two\nlines\tand a tab", "two\nlines\tand a tab"),
        ("\u202egpj.exe", "\ufffdgpj.exe"),
        ("\u2066a\u2069", "\ufffda\ufffd"),
        ("nul\0 escape\x1b[31m", "nul\ufffd escape\ufffd[31m"),
        ("\ud800", "\ufffd"),
    ],
)
def test_what_turns_letters_round_or_cannot_be_sent_is_marked(given: str, shown: str) -> None:
    """Letters of all scripts stay as they are."""
    assert seen(given) == shown


def test_markup_stays_markup() -> None:
    """It is not escaped a second time for what was in it."""
    cleaned = seen(Markup("<b>\u202e</b>"))
    assert (cleaned, type(cleaned)) == ("<b>\ufffd</b>", Markup)


def test_other_values_pass() -> None:
    """Numbers are no texts."""
    assert (seen(5), seen(None)) == (5, None)


@pytest.mark.parametrize("name", ["../../x", "a/b", "a?b#c", "a b", "\ud800", "a&b=c"])
def test_a_name_is_one_part_of_an_address(name: str) -> None:
    """It is no way to elsewhere, no question and no second parameter."""
    assert not set("/?#& \\") & set(address_part(name))


def test_a_block_tells_what_it_shows() -> None:
    """As far as it matters: what it does not show is not among it."""
    inputs = Templates().inputs("dashboard.html", "headline")
    assert inputs is not None
    assert "headline" in inputs
    assert "hardware" not in inputs
