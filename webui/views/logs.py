"""The log: its lines, and the choice of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from appliance.logs import BOX, ENGINES, LONGEST_SOURCE, LogFilter, LogLine, clean
from webui.views.words import Moment, moment

LONGEST_WORDS = 200
LEVELS = (
    ("", "Everything"),
    ("info", "Without small talk of engines"),
    ("warning", "Warnings and errors"),
    ("error", "Errors"),
)


@dataclass(frozen=True, slots=True)
class LogRow:
    at: Moment
    level: str
    source: str
    text: str


@dataclass(frozen=True, slots=True)
class LogChoice:
    """What a person wants to see, as it stands in the address."""

    level: str = ""
    source: str = ""
    words: str = ""

    @property
    def filter(self) -> LogFilter:
        return LogFilter(self.level or None, self.source or None, self.words)

    @property
    def chosen(self) -> bool:
        return bool(self.level or self.source or self.words)

    def query(self, **more: str) -> str:
        values = {"level": self.level, "source": self.source, "q": self.words} | more
        return urlencode({name: value for name, value in values.items() if value})


@dataclass(frozen=True, slots=True)
class SourceOption:
    value: str
    label: str


def log_choice(level: str, source: str, words: str) -> LogChoice:
    """From the address: what makes no sense there is left out."""
    known = {value for value, _ in LEVELS}
    return LogChoice(
        level if level in known else "", clean(source)[:LONGEST_SOURCE].strip(), clean(words)[:LONGEST_WORDS].strip()
    )


def log_rows(lines: Iterable[LogLine]) -> tuple[LogRow, ...]:
    return tuple(LogRow(moment(line.at), line.level, source_label(line.source), line.text) for line in lines)


def source_options(sources: Iterable[str], chosen: str) -> tuple[SourceOption, ...]:
    """The chosen one is among them also when none of its lines is left."""
    fixed = (
        SourceOption("", "The box and its engines"),
        SourceOption(BOX, "The box alone"),
        SourceOption(ENGINES, "All engines"),
    )
    names = {*sources, chosen} - {option.value for option in fixed}
    ordered = sorted(names, key=lambda name: (not name.startswith(ENGINES), name))
    return fixed + tuple(SourceOption(name, source_label(name)) for name in ordered)


def source_label(source: str) -> str:
    if source.startswith(ENGINES + "."):
        return f"engine {source.removeprefix(ENGINES + '.')}"
    if source == "meshbox":
        return "main"
    return source.removeprefix("meshbox.").removeprefix("appliance.")
