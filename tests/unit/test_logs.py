"""The log: one line an event, readable or JSON, and the latest kept for the page."""

from __future__ import annotations

import io
import json
import logging
import sys

import pytest

from appliance.logs import (
    BOX,
    ENGINES,
    Console,
    ConsoleFormatter,
    JsonFormatter,
    LogFilter,
    LogRing,
    clean,
    log_all,
    log_text,
)

HOSTILE = "model\n12:00:00 INFO all is well\r\x1b[2J\x1b]0;owned\x07\x9b31m \u202egnp.exe\u2028\x00\ud800 end"


def record(text: str, name: str = "meshbox.test", level: int = logging.WARNING) -> logging.LogRecord:
    return logging.LogRecord(name, level, __file__, 1, text, None, None)


def traced(text: str) -> logging.LogRecord:
    made = record("it failed")
    try:
        raise ValueError(text)
    except ValueError:
        made.exc_info = sys.exc_info()
    return made


class Hears(logging.Handler):
    """One of others."""

    def __init__(self, heard: list[str]) -> None:
        super().__init__()
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(record.getMessage())


def texts(ring: LogRing, chosen: LogFilter, **more: int) -> list[str]:
    return [line.text for line in ring.lines(chosen, **more)]


def test_a_hostile_name_cannot_forge_a_line() -> None:
    """Line breaks inside a message or a logger's name stay inside its line."""
    assert "\n" not in ConsoleFormatter().format(record(HOSTILE, HOSTILE))


def test_what_acts_on_a_terminal_or_turns_text_round_is_shown_instead() -> None:
    """Nothing that is not to be seen is left, and no character is lost without a trace but terminal codes."""
    shown = clean(HOSTILE)
    assert shown.isprintable()
    assert shown == r"model\n12:00:00 INFO all is well\r\x9b31m \u202egnp.exe\u2028\x00\ud800 end"


@pytest.mark.parametrize("text", ["grüß gott", "日本語 🦙 עברית", "a\tb", r"C:\new", "\U0001f468\u200d\U0001f469"])
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    """In any language."""
    assert clean(text) == text


def test_a_traceback_is_marked_line_by_line() -> None:
    """The message of an error is written by others too: none of its lines passes for a line of the log."""
    shown = ConsoleFormatter().format(traced("first\n12:00:00 INFO forged\x1b[2J")).split("\n")
    assert all(line.startswith("  | ") for line in shown[1:])
    assert "  | 12:00:00 INFO forged" in shown


def test_json_lines_hold_what_programs_need() -> None:
    """One object a line, times in RFC 3339 UTC."""
    line = json.loads(JsonFormatter().format(record("grüß\ngott")))
    assert {k: line[k] for k in ("level", "source", "text")} == {
        "level": "warning",
        "source": "meshbox.test",
        "text": "grüß\ngott",
    }
    assert line["at"].endswith("Z")


def test_json_lines_are_safe_to_look_at_and_lose_nothing() -> None:
    """A program reads every character; a terminal that shows the line is not moved by it."""
    line = JsonFormatter().format(record(HOSTILE))
    assert line.isprintable()
    assert json.loads(line)["text"] == HOSTILE


def test_the_ring_filters_by_source() -> None:
    """A source stands for itself and what is below it; `box` for everything but the engines."""
    ring = LogRing()
    for name, text in [("a", "0"), ("a.b", "1"), ("ab", "2"), (f"{ENGINES}.m", "3"), (f"{ENGINES}.m2", "4")]:
        ring.emit(record(text, name))
    assert texts(ring, LogFilter(source="a")) == ["0", "1"]
    assert texts(ring, LogFilter(source=f"{ENGINES}.m")) == ["3"]
    assert texts(ring, LogFilter(source=BOX)) == ["0", "1", "2"]
    assert ring.sources() == ["a", "a.b", "ab", f"{ENGINES}.m", f"{ENGINES}.m2"]


def test_the_ring_filters_by_gravity_and_words() -> None:
    """Graver lines are taken too; upper and lower case are one."""
    ring = LogRing()
    for level, text in [(logging.DEBUG, "Load x"), (logging.WARNING, "load y"), (logging.CRITICAL, "over")]:
        ring.emit(record(text, level=level))
    assert texts(ring, LogFilter(level="warning")) == ["load y", "over"]
    assert texts(ring, LogFilter(words="LOAD")) == ["Load x", "load y"]
    assert texts(ring, LogFilter(level="error", words="load")) == []


def test_the_latest_lines_come_oldest_first() -> None:
    """Of the box and its engines together, by a limit and after a number."""
    ring = LogRing()
    for number in range(6):
        ring.emit(record(str(number), ENGINES if number % 2 else "meshbox"))
    assert texts(ring, LogFilter()) == ["0", "1", "2", "3", "4", "5"]
    assert texts(ring, LogFilter(), limit=2) == ["4", "5"]
    assert texts(ring, LogFilter(), limit=2, after=5) == ["5"]
    assert texts(ring, LogFilter(), limit=0) == []
    assert ring.newest == 6


def test_the_ring_is_bounded_in_bytes() -> None:
    """However long the lines are; old ones go, the newest stays."""
    ring = LogRing(room=50_000)
    for number in range(300):
        ring.emit(record(f"{number} " + "é" * 2000))
    kept = ring.lines()
    assert sum(len(line.text.encode()) for line in kept) <= 50_000
    assert kept[-1].text.startswith("299 ")
    ring.emit(record("x" * 1_000_000))
    assert len(ring.lines()[-1].text) < 10_000


def test_a_talkative_engine_does_not_push_out_the_box() -> None:
    """What the box said is still there after any number of lines of an engine; forgotten sources are not offered."""
    ring = LogRing(room=5_000)
    ring.emit(record("the box said this"))
    ring.emit(record("old", f"{ENGINES}.gone"))
    for number in range(1000):
        ring.emit(record(str(number), f"{ENGINES}.m"))
    assert ring.lines()[0].text == "the box said this"
    assert ring.sources() == [f"{ENGINES}.m", "meshbox.test"]


def test_a_line_as_text() -> None:
    """Time, level, source and text; what follows a line is marked."""
    ring = LogRing()
    ring.emit(traced("why"))
    first, *further = log_text(ring.lines()[0]).split("\n")
    assert first.endswith(" WARNING  meshbox.test: it failed")
    assert all(line.startswith("  | ") for line in further)


@pytest.mark.parametrize("formatter", [ConsoleFormatter, JsonFormatter])
@pytest.mark.parametrize("texts", [["one", "two"], ["one", HOSTILE, "grüß gott"]])
def test_many_lines_at_once_look_as_one_by_one(
    formatter: type[ConsoleFormatter | JsonFormatter], texts: list[str]
) -> None:
    """On the console, in the ring, and for handlers of others."""
    logger, heard = logging.Logger("meshbox.test"), list[str]()  # noqa: LOG001 - one that nobody else has
    console, ring, other = Console(io.StringIO(), formatter()), LogRing(), Hears(heard)
    said = [(1_700_000_000.0 + number, text) for number, text in enumerate(texts)]
    single_console, single_ring = Console(io.StringIO(), formatter()), LogRing()
    for handler in (console, ring, other):
        logger.addHandler(handler)
    log_all(logger, said)
    for at, text in said:
        one = record(text, "meshbox.test", logging.INFO)
        one.created = at
        for handler in (single_console, single_ring):
            handler.emit(one)
    assert (console.stream.getvalue(), ring.lines()) == (single_console.stream.getvalue(), single_ring.lines())  # type: ignore[attr-defined]
    assert (heard, ring.sources()) == (texts, ["meshbox.test"])
