"""Logging: readable lines or JSON on standard error, and the latest lines in memory for the page."""

from __future__ import annotations

import json
import logging
import sys
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime

KEPT_LINES = 2000


@dataclass(frozen=True, slots=True)
class LogLine:
    at: float
    level: str
    source: str
    text: str


class LogRing(logging.Handler):
    """Keeps the latest lines."""

    def __init__(self, size: int = KEPT_LINES) -> None:
        super().__init__()
        self._lines: deque[LogLine] = deque(maxlen=size)

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self._lines.append(LogLine(record.created, record.levelname.lower(), record.name, text))

    def lines(self, source: str | None = None, limit: int = KEPT_LINES) -> list[LogLine]:
        """The latest lines, oldest first; `source` chooses a logger and those below it."""
        chosen = [line for line in list(self._lines) if source is None or _below(line.source, source)]
        return chosen[-limit:] if limit > 0 else []


def _below(name: str, source: str) -> bool:
    return name == source or name.startswith(source + ".")


class JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = {"at": at, "level": record.levelname.lower(), "source": record.name, "text": record.getMessage()}
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


class ConsoleFormatter(logging.Formatter):
    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-7s %(name)s: %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        # names of models and files may hold line breaks: they must not forge a line of the log
        return super().format(record).replace("\r", "\\r") if record.exc_info else _one_line(super().format(record))


def _one_line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")


def set_up_logging(style: str) -> LogRing:
    """Sends everything from INFO up to standard error and to the ring it returns."""
    console = logging.StreamHandler(sys.stderr)
    console.setFormatter(JsonFormatter() if style == "json" else ConsoleFormatter())
    ring = LogRing()
    ring.setFormatter(logging.Formatter("%(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[console, ring], force=True)
    logging.getLogger("_granian").setLevel(logging.ERROR)
    logging.getLogger("meshbox.engine").setLevel(logging.DEBUG)
    console.addFilter(lambda record: record.levelno >= logging.INFO)
    return ring
