"""Logging: readable lines or JSON on standard error, and the latest lines in memory for the page.

Names of models and files, and what engines say, are written by others. Whatever could act on a terminal, turn a line
round or begin a line of its own is shown as an escape instead.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from heapq import merge
from itertools import islice, takewhile
from threading import Lock

SHELF_BYTES = 2 << 20  # of text kept of the box's own lines, and as much again of its engines'
LONGEST_TEXT = 8 << 10
LONGEST_SOURCE = 200
LINE_COST = 300  # bytes that a line takes beside its text, about
ENGINES = "meshbox.engine"
BOX = "box"  # as a source: everything but the engines

_TERMINAL_CODES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\^_])")
_UNSAFE = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\ud800-\udfff\U000e0000-\U000e007f]"
)
_SHOWN = "meshbox_shown"
_GRAVITY = {"debug": 10, "info": 20, "warning": 30, "error": 40, "critical": 50}


def clean(text: str) -> str:
    """One line that looks as it is: no terminal codes, and an escape for each character that is not to be seen."""
    return _UNSAFE.sub(_escape, _TERMINAL_CODES.sub("", text))


def _escape(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape", "surrogatepass").decode("ascii")


def _clean_all(text: str, trace: str) -> str:
    """A message, and below it the lines of its traceback: marked, so that none passes for a line of the log."""
    return "".join([clean(text), *("\n  | " + clean(line) for line in trace.splitlines())])


@lru_cache(maxsize=256)
def _source(name: str) -> str:
    return clean(name)[:LONGEST_SOURCE]


def _shown(record: logging.LogRecord) -> str:
    """The message, made once for all handlers."""
    text: str | None = record.__dict__.get(_SHOWN)
    if text is None:
        text = record.__dict__[_SHOWN] = _clean_all(*message_of(record))
    return text


@dataclass(frozen=True, slots=True)
class LogLine:
    number: int  # grows by one with each line of this run of the box
    at: float
    level: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class LogFilter:
    """Which lines: of this level and graver, of a logger and those below it, holding these words."""

    level: str | None = None
    source: str | None = None
    words: str = ""

    def takes(self, line: LogLine) -> bool:
        return (
            (self.level is None or _GRAVITY.get(line.level, 0) >= _GRAVITY.get(self.level, 0))
            and (self.source is None or _comes_from(line.source, self.source))
            and self.words.casefold() in line.text.casefold()
        )


EVERYTHING = LogFilter()


def _comes_from(name: str, source: str) -> bool:
    return not _below(name, ENGINES) if source == BOX else _below(name, source)


def _below(name: str, source: str) -> bool:
    return name == source or name.startswith(source + ".")


class _Shelf:
    """The latest lines, as many as find room."""

    def __init__(self, room: int) -> None:
        self.lines: deque[LogLine] = deque()
        self._room = room

    def put(self, line: LogLine) -> list[LogLine]:
        """Returns the lines that had to go."""
        self.lines.append(line)
        self._room -= _cost(line)
        gone = []
        while self._room < 0 and len(self.lines) > 1:
            gone.append(self.lines.popleft())
            self._room += _cost(gone[-1])
        return gone


def _cost(line: LogLine) -> int:
    return LINE_COST + len(line.text.encode())


class LogRing(logging.Handler):
    """Keeps the latest lines. An engine that talks a lot does not push out what the box itself said."""

    def __init__(self, room: int = SHELF_BYTES) -> None:
        super().__init__()
        self._own, self._engines = _Shelf(room), _Shelf(room)
        self._sources: Counter[str] = Counter()
        self._guard = Lock()
        self.newest = 0
        self.run = secrets.token_hex(4)  # numbers of another run of the box mean nothing here

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = _shown(record)
        except (TypeError, ValueError, KeyError):  # the message does not go with its arguments
            self.handleError(record)
            return
        if len(text) > LONGEST_TEXT:
            text = text[:LONGEST_TEXT] + "…"
        source = _source(record.name)
        with self._guard:
            self.newest += 1
            line = LogLine(self.newest, record.created, record.levelname.lower(), source, text)
            gone = (self._engines if _below(source, ENGINES) else self._own).put(line)
            self._sources[source] += 1
            if gone:
                self._sources.subtract(old.source for old in gone)

    def lines(self, chosen: LogFilter = EVERYTHING, limit: int | None = None, after: int = 0) -> list[LogLine]:
        """The latest lines that are younger than the number `after`, oldest first."""
        with self._guard:
            shelves = [_younger(shelf, after) for shelf in (self._own, self._engines)]
        fitting = filter(chosen.takes, merge(*shelves, key=_number, reverse=True))
        return list(islice(fitting, limit))[::-1]

    def sources(self) -> list[str]:
        """The loggers whose lines are kept."""
        with self._guard:
            return sorted(name for name, count in self._sources.items() if count > 0)


def _younger(shelf: _Shelf, after: int) -> list[LogLine]:
    """From the newest back."""
    return list(takewhile(lambda line: line.number > after, reversed(shelf.lines)))


def _number(line: LogLine) -> int:
    return line.number


def log_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def log_text(line: LogLine) -> str:
    """As it stands in a file."""
    return f"{log_time(line.at)} {line.level.upper():<8} {line.source}: {line.text}"


def message_of(record: logging.LogRecord) -> tuple[str, str]:
    """The message and its traceback, if it has one."""
    trace = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
    return record.getMessage(), trace


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        text, trace = message_of(record)
        line = {"at": log_time(record.created), "level": record.levelname.lower(), "source": record.name, "text": text}
        if trace:
            line["error"] = trace
        return _UNSAFE.sub(_json_escape, json.dumps(line, ensure_ascii=False))


def _json_escape(found: re.Match[str]) -> str:
    """As JSON writes it: programs read the same text, a terminal that shows the line is not moved by it."""
    return json.dumps(found[0])[1:-1]


class ConsoleFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        head = f"{_clock_time(int(record.created))} {record.levelname:<7} {_source(record.name)}: "
        return head + _shown(record)


@lru_cache(maxsize=4)
def _clock_time(second: int) -> str:
    """Many lines come in the same second."""
    return time.strftime("%H:%M:%S", time.localtime(second))


def set_up_logging(style: str) -> LogRing:
    """Sends everything from INFO up to standard error and to the ring it returns."""
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(JsonFormatter() if style == "json" else ConsoleFormatter())
    ring = LogRing()
    logging.basicConfig(level=logging.INFO, handlers=[console, ring], force=True)
    logging.getLogger("_granian").setLevel(logging.ERROR)
    logging.getLogger(ENGINES).setLevel(logging.DEBUG)
    console.addFilter(lambda record: record.levelno >= logging.INFO)
    return ring
