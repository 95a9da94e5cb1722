"""What is wrong with a field, in a sentence for people. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from appliance.settings.fields import Field, Kind, Path, find_field

LONGEST_QUOTE = 60


def complaints(error: ValidationError) -> dict[Path, str]:
    """By the path of the field, or of what is above it; the first of each."""
    found: dict[Path, str] = {}
    for one in error.errors(include_url=False, include_context=True):
        path, sentence = _complaint(tuple(map(str, one["loc"])), one)
        found.setdefault(path, sentence)
    return found


def _complaint(place: Path, error: Mapping[str, Any]) -> tuple[Path, str]:
    field = find_field(place)
    if error["type"] == "extra_forbidden":
        return place, "This box knows no such setting."
    if field is None:
        return place, str(error["msg"]).removeprefix("Value error, ")
    if field.kind is Kind.ENTRIES:
        return _in_entries(field, place, error)
    return field.path, sentence(field, error)


def _in_entries(field: Field, place: Path, error: Mapping[str, Any]) -> tuple[Path, str]:
    """The path goes on with the name of the entry and a field of it."""
    depth = len(field.path)
    key, below = place[depth : depth + 1], place[depth + 1 :]
    if not key:
        return field.path, f"There may be at most {field.most_items} of them."
    if below == ("[key]",):
        return (*field.path, *key), "Give it another name: this one is empty, too long or has odd characters."
    part = next((one for one in field.fields if below[: len(one.path)] == one.path), None)
    return (*field.path, *key, *(part.path if part else ())), sentence(part or field, error)


def sentence(field: Field, error: Mapping[str, Any]) -> str:
    match field.kind:
        case Kind.NUMBER:
            return _number(field)
        case Kind.TEXT:
            return _text(field, str(error["type"]))
        case Kind.LINES:
            return _lines(field, error)
        case Kind.CHOICE:
            return "Choose one of the list."
        case Kind.SWITCH:
            return "This is either on or off."
        case _:
            return "This cannot be."


def _number(field: Field) -> str:
    what = "whole number" if field.whole else "number"
    if field.least is None or field.most is None:
        return f"This must be a {what}."
    if field.optional:
        return f"This must be a {what} between {field.least} and {field.most}, or empty."
    return f"This must be a {what} between {field.least} and {field.most}."


def _text(field: Field, kind: str) -> str:
    if kind == "string_too_short":
        return "This cannot be empty." if field.least == 1 else f"This needs at least {field.least} characters."
    if kind == "string_too_long":
        return f"This may have at most {field.most} characters."
    return field.rule or "There are characters in it that cannot be used here."


def _lines(field: Field, error: Mapping[str, Any]) -> str:
    if error["type"] == "too_long":
        return f"There may be at most {field.most_items} lines."
    quoted = str(error.get("input"))[:LONGEST_QUOTE]
    if error["type"] == "string_too_long":
        return f"“{quoted}…” is too long: a line may have at most {field.most} characters."
    reason = field.rule or "There are characters in it that cannot be used here."
    return f"“{quoted}” cannot be used. {reason}"
