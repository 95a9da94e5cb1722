"""The settings page: every section as a form. Pure: from the schema, the values, and what was just typed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from dataclasses import field as empty
from typing import Any

from appliance.settings.bootstrap import variable_of
from appliance.settings.fields import Field, Kind, Path, Section, sections
from webui.forms import FRESH, Answer, entry_name, own_name, text_of, value_at
from webui.views.settings_changes import value_text

NOTHING: Mapping[Path, Any] = {}


@dataclass(frozen=True, slots=True)
class Trial:
    """What a person tried to save and could not."""

    section: str = ""
    typed: Mapping[Path, str] = empty(default_factory=dict)
    errors: Mapping[Path, str] = empty(default_factory=dict)
    conflicts: Mapping[Path, object] = empty(default_factory=dict)
    fresh: Mapping[str, str] = empty(default_factory=dict)  # names that were given to new entries
    trouble: str = ""  # of the whole form


@dataclass(frozen=True, slots=True)
class FieldView:
    name: str
    title: str
    help: str
    kind: str
    text: str
    was: str
    rows: int
    choices: tuple[tuple[str, str, bool], ...]  # value, label, chosen
    unit: str
    least: float | None
    most: float | None
    usual: str  # in words; empty: there is none
    changed: bool
    variable: str  # of the environment that fixes it
    error: str
    theirs: str | None  # what another one set meanwhile
    focus: bool


@dataclass(frozen=True, slots=True)
class EntryView:
    name: str
    key: str
    fresh: bool
    whole: bool  # one value, which is taken away by leaving it empty
    removed: bool
    error: str
    open: bool
    fields: tuple[FieldView, ...]


@dataclass(frozen=True, slots=True)
class FieldGroup:
    """A field, or a mapping with its entries."""

    field: FieldView
    entries: tuple[EntryView, ...]


@dataclass(frozen=True, slots=True)
class SectionView:
    name: str
    title: str
    help: str
    groups: tuple[FieldGroup, ...]
    trouble: str
    conflict: bool


def trial(
    section: str,
    changed: Iterable[Answer],
    form: Mapping[str, str],
    *,
    errors: Mapping[Path, str] = NOTHING,
    conflicts: Mapping[Path, object] = NOTHING,
    trouble: str = "",
) -> Trial:
    fresh = {name: text for name, text in form.items() if name.endswith(f"[{FRESH}]")}
    typed = {answer.path: answer.text for answer in changed}
    return Trial(section, typed, errors, conflicts, fresh, trouble)


def settings_view(
    document: Mapping[str, Any], locked: Iterable[str], tried: Trial | None = None
) -> tuple[SectionView, ...]:
    page = _Page(document, frozenset(locked), tried or Trial())
    return tuple(page.section(section) for section in sections())


class _Page:
    def __init__(self, document: Mapping[str, Any], locked: frozenset[str], tried: Trial) -> None:
        self._document = document
        self._locked = locked
        self._tried = tried
        self._focus = next(iter([*tried.errors, *tried.conflicts]), None)

    def section(self, section: Section) -> SectionView:
        mine = section.name == self._tried.section
        return SectionView(
            section.name,
            section.title,
            section.help,
            tuple(self._group(field) for field in section.fields),
            self._trouble(section) if mine else "",
            conflict=mine and bool(self._tried.conflicts),
        )

    def _trouble(self, section: Section) -> str:
        """Of the whole form: also what is wrong with no single field of it."""
        shown = {field.path for field in section.fields}
        further = [text for path, text in self._tried.errors.items() if not any(path[: len(p)] == p for p in shown)]
        return " ".join([self._tried.trouble, *further]).strip()

    def _group(self, field: Field) -> FieldGroup:
        view = self._field(field, field.path, field.name)
        if field.kind is not Kind.ENTRIES:
            return FieldGroup(view, ())
        known = value_at(self._document, field.path) or {}
        fresh = self._tried.fresh.get(entry_name(field, FRESH), "").strip()
        below = [path for path in (*self._tried.typed, *self._tried.conflicts) if path[: len(field.path)] == field.path]
        typed = [path[len(field.path)] for path in below if len(path) > len(field.path)]
        keys = dict.fromkeys([*sorted(known), *(key for key in typed if key != fresh)])
        rows = [self._entry(field, key, str(number)) for number, key in enumerate(keys)]
        return FieldGroup(view, (*rows, self._entry(field, "" if fresh in known else fresh, FRESH)))

    def _entry(self, field: Field, key: str, number: str) -> EntryView:
        name, path = entry_name(field, number), (*field.path, key)
        whole = any(not part.path for part in field.fields)
        hurt = any(one[: len(path)] == path for one in (*self._tried.errors, *self._tried.conflicts))
        return EntryView(
            name=name,
            key=key,
            fresh=number == FRESH,
            whole=whole,
            removed=not whole and path in self._tried.typed,
            error="" if whole else self._tried.errors.get(path, ""),
            open=hurt,
            fields=tuple(self._field(part, (*path, *part.path), own_name(name, part)) for part in field.fields),
        )

    def _field(self, field: Field, path: Path, name: str) -> FieldView:
        value = value_at(self._document, path)
        was = text_of(value)
        text = self._tried.typed.get(path, was)
        return FieldView(
            name=name,
            title=field.title,
            help=field.help,
            kind=field.kind.value,
            text=value_text(value) if field.kind is Kind.OTHER else text,
            was=was,
            rows=min(8, max(2, text.count("\n") + 2)),
            choices=_choices(field, text),
            unit=field.unit,
            least=field.least,
            most=field.most,
            usual="" if field.kind is Kind.ENTRIES or path != field.path else value_text(field.default, field),
            changed=was != text_of(field.default) and path == field.path and field.kind is not Kind.OTHER,
            variable=variable_of(name) if name in self._locked else "",
            error=self._tried.errors.get(path, ""),
            theirs=value_text(self._tried.conflicts[path], field) if path in self._tried.conflicts else None,
            focus=path == self._focus,
        )


def _choices(field: Field, text: str) -> tuple[tuple[str, str, bool], ...]:
    if field.kind is not Kind.CHOICE:
        return ()
    values = [str(choice) for choice in field.choices]
    empty_one = [("", "As for all", not text)] if field.optional else []
    return (*empty_one, *((value, value, value == text) for value in values))
