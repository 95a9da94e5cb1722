"""The choice of log lines as it stands in an address."""

from __future__ import annotations

from appliance.logs import LogFilter, LogLine
from webui.views.logs import LogChoice, log_choice, log_rows, source_options


def test_an_address_says_what_is_shown() -> None:
    """And can be passed on."""
    choice = log_choice("warning", "meshbox.engine", "a & b")
    assert choice.filter == LogFilter("warning", "meshbox.engine", "a & b")
    assert choice.query(after="x-1") == "level=warning&source=meshbox.engine&q=a+%26+b&after=x-1"


def test_what_makes_no_sense_is_left_out() -> None:
    """A level that is none, words without end, characters that are not to be seen."""
    choice = log_choice("<b>", "s\n" + "x" * 500, "w" * 500)
    assert choice.level == ""
    assert (len(choice.source), "\n" in choice.source, len(choice.words)) == (200, False, 200)
    assert log_choice("", "", "").filter == LogFilter()
    assert not LogChoice().chosen


def test_the_chosen_source_stays_in_the_list() -> None:
    """Also when its lines are gone: nobody shall see another choice than he made."""
    options = source_options(["meshbox", "meshbox.engine.m", "meshbox.web"], "meshbox.engine.gone")
    assert [(o.value, o.label) for o in options[3:]] == [
        ("meshbox.engine.gone", "engine gone"),
        ("meshbox.engine.m", "engine m"),
        ("meshbox", "main"),
        ("meshbox.web", "web"),
    ]


def test_rows_name_their_time_zone() -> None:
    """The page's script turns them to the reader's clock."""
    (row,) = log_rows([LogLine(1, 0.25, "info", "meshbox", "text")])
    assert (row.at.text, row.at.plain, row.at.stamp, row.source) == (
        "1970-01-01 00:00:00 UTC",
        "1970-01-01 00:00:00",
        "1970-01-01T00:00:00.250Z",
        "main",
    )
