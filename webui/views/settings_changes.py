"""What differs between two settings, as a table for people. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.settings.backups import Backup
from appliance.settings.difference import Change, plain
from appliance.settings.fields import Field, Kind, Path, find_field, sections
from appliance.settings.schema import Settings
from webui.views.words import Moment, moment

LONGEST = 500
MOST_LABELS = 5


@dataclass(frozen=True, slots=True)
class ChangeRow:
    label: str
    old: str
    new: str


@dataclass(frozen=True, slots=True)
class BackupRow:
    revision: int
    made: Moment
    current: bool
    changed: tuple[str, ...]  # the labels of what it changed
    further: int  # changes that are not named
    oldest: bool


def change_rows(changes: Iterable[Change]) -> tuple[ChangeRow, ...]:
    return tuple(_row(change) for change in changes)


def backup_rows(backups: tuple[Backup, ...], stored: Settings) -> tuple[BackupRow, ...]:
    return tuple(
        BackupRow(
            backup.revision,
            moment(backup.made_at),
            plain(backup.settings) == plain(stored),
            tuple(label_of(change.path) for change in backup.changes[:MOST_LABELS]),
            max(0, len(backup.changes) - MOST_LABELS),
            oldest=number == len(backups) - 1,
        )
        for number, backup in enumerate(backups)
    )


def label_of(path: Path) -> str:
    """Where a field is found on the page."""
    field = find_field(path)
    section = next((section.title for section in sections() if section.name == path[0]), path[0])
    if field is None:
        return ".".join(path)[:LONGEST]
    if len(path) == len(field.path):
        return f"{section}: {field.title}"
    entry = path[len(field.path)][:LONGEST]
    own = _own(field, path)
    return f"{section}: {entry}" if own is None else f"{section}: {entry}, {own.title}"


def value_text(value: object, field: Field | None = None) -> str:
    if field is not None and field.kind is Kind.SWITCH:
        return "on" if value else "off"
    match value:
        case None:
            return "not set"
        case "" | [] | {} | ():
            return "none"
        case list() | tuple():
            return "\n".join(map(str, value))[:LONGEST]
        case dict():
            return "set"
        case _:
            return str(value)[:LONGEST]


def _row(change: Change) -> ChangeRow:
    field = find_field(change.path)
    own = None if field is None else (_own(field, change.path) or field)
    return ChangeRow(label_of(change.path), value_text(change.old, own), value_text(change.new, own))


def _own(field: Field, path: Path) -> Field | None:
    """The field of an entry that a path means."""
    below = path[len(field.path) + 1 :]
    return next((one for one in field.fields if one.path == below), None)
