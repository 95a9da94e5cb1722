"""The log: one line an event, readable or JSON, and the latest kept for the page."""

from __future__ import annotations

import json
import logging

from appliance.logs import ConsoleFormatter, JsonFormatter, LogRing


def record(text: str, name: str = "meshbox.test") -> logging.LogRecord:
    return logging.LogRecord(name, logging.WARNING, __file__, 1, text, None, None)


def test_a_hostile_name_cannot_forge_a_line() -> None:
    """Line breaks inside a message stay inside its line."""
    assert "\n" not in ConsoleFormatter().format(record("model\n12:00:00 INFO all is well\r"))


def test_json_lines_hold_what_programs_need() -> None:
    """One object a line, times in RFC 3339 UTC."""
    line = json.loads(JsonFormatter().format(record("grüß\ngott")))
    assert {k: line[k] for k in ("level", "source", "text")} == {
        "level": "warning",
        "source": "meshbox.test",
        "text": "grüß\ngott",
    }
    assert line["at"].endswith("Z")


def test_the_ring_keeps_the_latest_and_filters_by_source() -> None:
    """Old lines go; a source stands for itself and what is below it."""
    ring = LogRing(size=3)
    for name, text in [("a", "0"), ("a.b", "1"), ("ab", "2"), ("a", "3")]:
        ring.emit(record(text, name))
    assert [line.text for line in ring.lines()] == ["1", "2", "3"]
    assert [line.text for line in ring.lines("a")] == ["1", "3"]
    assert [line.text for line in ring.lines(limit=1)] == ["3"]
    assert ring.lines(limit=0) == []
