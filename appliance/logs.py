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
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from heapq import merge
from itertools import islice, takewhile
from threading import Lock
from typing import NamedTuple, TextIO

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
    return text if _is_clean(text) else _UNSAFE.sub(_escape, _TERMINAL_CODES.sub("", text))


def _is_clean(text: str) -> bool:
    """As nearly all are."""
    return text.isascii() and text.isprintable()


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


class LogLine(NamedTuple):
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

    def put(self, line: LogLine, sources: Counter[str]) -> None:
        """Counts how many lines of each source there are."""
        self.lines.append(line)
        self._room -= _cost(line.text)
        sources[line.source] += 1
        while self._room < 0 and len(self.lines) > 1:
            gone = self.lines.popleft()
            self._room += _cost(gone.text)
            sources[gone.source] -= 1


def _cost(text: str) -> int:
    return LINE_COST + (len(text) if text.isascii() else len(text.encode()))


Said = Sequence[tuple[float, str]]  # many lines, each with its time


class Many(logging.Handler):
    """A handler that writes many lines of one source and of level INFO for little more than what one costs."""

    def take_all(self, source: str, said: Said, clean_said: Said) -> None:
        raise NotImplementedError


def log_all(logger: logging.Logger, said: Said) -> None:
    """At level INFO."""
    everything = "".join([text for _, text in said])
    clean_said = said if _is_clean(everything) else [(at, clean(text)) for at, text in said]
    source: logging.Logger | None = logger
    while source is not None:
        for handler in source.handlers:
            if isinstance(handler, Many):
                handler.take_all(logger.name, said, clean_said)
            else:
                _hand_over(logger.name, said, handler)
        source = source.parent if source.propagate else None


def _hand_over(name: str, said: Said, handler: logging.Handler) -> None:
    for at, text in said:
        record = logging.LogRecord(name, logging.INFO, "", 0, "%s", (text,), None)
        record.created = at
        if record.levelno >= handler.level:
            handler.handle(record)


class LogRing(Many):
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
        with self._guard:
            self._put(record.created, record.levelname.lower(), _source(record.name), text)

    def take_all(self, source: str, said: Said, clean_said: Said) -> None:  # noqa: ARG002 - as of `Many`
        source = _source(source)
        with self._guard:
            for at, text in clean_said:
                self._put(at, "info", source, text)

    def _put(self, at: float, level: str, source: str, text: str) -> None:
        self.newest += 1
        if len(text) > LONGEST_TEXT:
            text = text[:LONGEST_TEXT] + "…"
        shelf = self._engines if source.startswith(ENGINES) and _below(source, ENGINES) else self._own
        shelf.put(LogLine(self.newest, at, level, source, text), self._sources)

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
        return self.line(record.created, record.levelname, record.name, *message_of(record))

    def lines(self, source: str, said: Said, _clean_said: Said) -> list[str]:
        return [self.line(at, "INFO", source, text) for at, text in said]

    def line(self, at: float, level: str, source: str, text: str, trace: str = "") -> str:
        line = {"at": log_time(at), "level": level.lower(), "source": source, "text": text}
        if trace:
            line["error"] = trace
        return _UNSAFE.sub(_json_escape, json.dumps(line, ensure_ascii=False))


def _json_escape(found: re.Match[str]) -> str:
    """As JSON writes it: programs read the same text, a terminal that shows the line is not moved by it."""
    return json.dumps(found[0])[1:-1]


class ConsoleFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return _console_head(record.created, record.levelname, record.name) + _shown(record)

    def lines(self, source: str, _said: Said, clean_said: Said) -> list[str]:
        lines, second, head = [], -1, ""
        for at, text in clean_said:
            if int(at) != second:  # as a rule they are all of the same
                second, head = int(at), _console_head(at, "INFO", source)
            lines.append(head + text)
        return lines


def _console_head(at: float, level: str, source: str) -> str:
    return f"{_clock_time(int(at))} {level:<7} {_source(source)}: "


class Console(logging.StreamHandler[TextIO], Many):
    def __init__(self, stream: TextIO, formatter: ConsoleFormatter | JsonFormatter) -> None:
        super().__init__(stream)
        self.setFormatter(formatter)
        self._lines = formatter.lines

    def take_all(self, source: str, said: Said, clean_said: Said) -> None:
        text = "\n".join(self._lines(source, said, clean_said)) + "\n"
        with self.lock or Lock(), suppress(OSError, ValueError):  # nobody may be there to read it
            self.stream.write(text)
            self.flush()


@lru_cache(maxsize=4)
def _clock_time(second: int) -> str:
    """Many lines come in the same second."""
    return time.strftime("%H:%M:%S", time.localtime(second))


def set_up_logging(style: str) -> LogRing:
    """Sends everything from INFO up to standard error and to the ring it returns."""
    console = Console(sys.stderr, JsonFormatter() if style == "json" else ConsoleFormatter())
    ring = LogRing()
    logging.basicConfig(level=logging.INFO, handlers=[console, ring], force=True)
    for talkative in ("_granian", "quic"):  # of aioquic: each connection of the mesh, several lines
        logging.getLogger(talkative).setLevel(logging.ERROR)
    logging.getLogger(ENGINES).setLevel(logging.DEBUG)
    console.addFilter(lambda record: record.levelno >= logging.INFO)
    return ring
