"""Forms of settings: how values stand in them, what a person changed, and what collides with the changes of others.

Pure. Each input has a companion `was.<name>` with the value that the form was made from: so only what this person
changed is taken, and others may change other fields at the same time.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from appliance.settings.fields import Field, Kind, Path, Section

WAS = "was."
ON = "on"
FRESH = "new"  # stands for the number of an entry that is not there yet
_WHOLE = re.compile(r"[+-]?\d{1,18}", re.ASCII)
_BROKEN = re.compile(r"[+-]?\d{1,18}\.\d{1,18}", re.ASCII)

Form = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a form says about one field."""

    path: Path
    name: str  # of its input
    typed: object
    text: str  # as it was typed
    was: object


@dataclass(frozen=True, slots=True)
class Merge:
    """The changes of one person put together with those of others."""

    patch: dict[str, Any]
    conflicts: Mapping[Path, object]  # with the value that another one set meanwhile


def entry_name(field: Field, number: int | str) -> str:
    return f"{field.name}[{number}]"


def own_name(entry: str, own: Field) -> str:
    """The input of a field of an entry."""
    return f"{entry}.{own.name or 'value'}"


def text_of(value: object) -> str:
    """A value as it stands in its input."""
    if value is None or value is False:
        return ""
    if value is True:
        return ON
    return "\n".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


def value_of(field: Field, text: str) -> object:
    """What was typed, as a value; what makes no sense stays text and is refused by the settings."""
    given = text.strip()
    if field.kind is Kind.SWITCH:
        return bool(given)
    if field.kind is Kind.LINES:
        return [line.strip() for line in given.splitlines() if line.strip()]
    if not given and field.optional:
        return None
    if field.kind is Kind.CHOICE:
        return next((choice for choice in field.choices if str(choice) == given), given)
    if field.kind is Kind.NUMBER and _WHOLE.fullmatch(given):
        return int(given)
    return float(given) if field.kind is Kind.NUMBER and not field.whole and _BROKEN.fullmatch(given) else given


def answers(section: Section, form: Form, locked: Iterable[str]) -> tuple[Answer, ...]:
    """What the form changes; fields that it does not hold, and those that cannot be changed, are left alone."""
    fixed = frozenset(locked)
    found = (
        answer
        for field in section.fields
        if field.name not in fixed
        for answer in (_of_entries(field, form) if field.kind is Kind.ENTRIES else _of_field(field, field.name, form))
    )
    return tuple(answer for answer in found if answer.typed != answer.was)


def with_buttons(section: Section, form: Form) -> dict[str, str]:
    """The form after its buttons: `reset` sets one field back to its default, `take` to the value of others."""
    pressed = dict(form)
    field = next((field for field in section.fields if field.name == form.get("reset")), None)
    if field is not None:
        pressed[field.name] = text_of(field.default)
    taken = form.get("take", "")
    if taken and WAS + taken in form:
        pressed[taken] = form[WAS + taken]
    return pressed


def merged(changed: Iterable[Answer], current: Mapping[str, Any]) -> Merge:
    patch: dict[str, Any] = {}
    conflicts: dict[Path, object] = {}
    for answer in changed:
        now = value_at(current, answer.path)
        if now == answer.was:
            _put(patch, answer.path, answer.typed)
        elif now != answer.typed:
            conflicts[answer.path] = now
    return Merge(patch, conflicts)


def value_at(document: Mapping[str, Any], path: Path) -> Any:  # noqa: ANN401 - any JSON
    value: Any = document
    for part in path:
        value = value.get(part) if isinstance(value, Mapping) else None
    return value


def _of_field(field: Field, name: str, form: Form) -> Iterator[Answer]:
    was, text = form.get(WAS + name), form.get(name)
    if was is not None and field.kind is not Kind.OTHER and (text is not None or field.kind is Kind.SWITCH):
        yield Answer(field.path, name, value_of(field, text or ""), text or "", value_of(field, was))


def _of_entries(field: Field, form: Form) -> Iterator[Answer]:
    for number in _numbers(field, form):
        name = entry_name(field, number)
        key = form.get(name, "").strip()
        own = [answer for part in field.fields for answer in _of_field(part, own_name(name, part), form)]
        if form.get(f"{name}.remove"):
            was = {answer.path[0]: answer.was for answer in own}
            yield Answer((*field.path, key), name, None, "", was)
        elif number != FRESH or key or any(answer.typed != answer.was for answer in own):
            yield from (replace(answer, path=(*field.path, key, *answer.path)) for answer in own)


def _numbers(field: Field, form: Form) -> Iterator[str]:
    numbers = re.compile(re.escape(field.name) + rf"\[(\d{{1,4}}|{FRESH})\]", re.ASCII)
    yield from (found[1] for name in form if (found := numbers.fullmatch(name)) is not None)


def _put(patch: dict[str, Any], path: Path, value: object) -> None:
    target = patch
    for part in path[:-1]:
        target = target.setdefault(part, {})
    target[path[-1]] = value
