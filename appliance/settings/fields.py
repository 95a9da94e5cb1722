"""What can be set, as a list of fields: read off the schema, so that a new setting needs no form of its own.

Pure. A path names a field: `("web", "allowed_hosts")`; below a mapping it goes on with the key of the entry.
"""

from __future__ import annotations

import enum
import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from appliance.settings.schema import Settings

Json = Mapping[str, Any]
Path = tuple[str, ...]

UNITS = (("_mib_s", "MiB per second"), ("_mib", "MiB"), ("_min", "minutes"), ("_days", "days"), ("_s", "seconds"))


class Kind(enum.Enum):
    TEXT = "text"
    NUMBER = "number"
    SWITCH = "switch"
    CHOICE = "choice"
    LINES = "lines"
    ENTRIES = "entries"  # a mapping from names to fields
    OTHER = "other"  # shown, not edited: there is no widget for it


_SIMPLE = {"boolean": Kind.SWITCH, "integer": Kind.NUMBER, "number": Kind.NUMBER, "string": Kind.TEXT}


@dataclass(frozen=True, slots=True)
class Field:
    path: Path
    kind: Kind
    title: str
    help: str = ""
    default: object = None
    optional: bool = False
    unit: str = ""
    rule: str = ""  # what a text has to be, as a sentence
    whole: bool = True
    least: float | None = None  # of a number, or of the characters of a text (of each line)
    most: float | None = None
    most_items: int | None = None
    choices: tuple[object, ...] = ()
    fields: tuple[Field, ...] = ()  # of an entry; their paths start at the entry, and () is its value

    @property
    def name(self) -> str:
        return ".".join(self.path)


@dataclass(frozen=True, slots=True)
class Section:
    name: str
    title: str
    help: str
    fields: tuple[Field, ...]


@functools.cache
def sections() -> tuple[Section, ...]:
    """All that a person can set, in the order of the document."""
    return sections_of(Settings.model_json_schema())


def sections_of(schema: Json) -> tuple[Section, ...]:
    """Members that are no sections (version, revision) are bookkeeping and left out."""
    return tuple(_sections(schema, schema.get("$defs", {})))


def find_field(path: Path) -> Field | None:
    """The field to which a path leads, or in which it lies."""
    fields = (field for section in sections() for field in section.fields)
    return next((field for field in fields if path[: len(field.path)] == field.path), None)


def _sections(schema: Json, shared: Json) -> Iterator[Section]:
    for name, about in schema["properties"].items():
        resolved = _resolved(about, shared)
        if "properties" in resolved:
            title = about.get("title") or _title(name)
            fields = _fields(resolved, shared, (name,))
            yield Section(name, title, about.get("description", ""), tuple(fields))


def _fields(schema: Json, shared: Json, above: Path) -> Iterator[Field]:
    for name, about in schema["properties"].items():
        path, resolved = (*above, name), _resolved(about, shared)
        if "properties" in resolved:
            yield from _fields(resolved, shared, path)
        else:
            yield _field(path, resolved, shared)


def _field(path: Path, about: Json, shared: Json) -> Field:
    inner, optional = _without_null(about, shared)
    if "items" in inner:
        inner = {**inner, "items": _resolved(inner["items"], shared)}
    own = _own_fields(inner, shared)
    kind = Kind.ENTRIES if own else _kind(inner)
    text = inner.get("items", inner) if kind is Kind.LINES else inner
    return Field(
        path=path,
        kind=kind,
        title=_given_title(path[-1], about),
        help=about.get("description", ""),
        default=_default(about, kind),
        optional=optional,
        unit=about.get("x-unit", _unit(path[-1]) if kind is Kind.NUMBER else ""),
        rule=text.get("x-rule", ""),
        whole=inner.get("type") == "integer",
        least=text.get("minimum", text.get("minLength")),
        most=text.get("maximum", text.get("maxLength")),
        most_items=inner.get("maxItems", inner.get("maxProperties")),
        choices=_choices(inner) or (_choices(text) if kind is Kind.LINES else ()),
        fields=own,
    )


def _kind(about: Json) -> Kind:
    if _choices(about):
        return Kind.CHOICE
    if about.get("type") == "array" and about.get("items", {}).get("type") == "string":
        return Kind.LINES
    return _SIMPLE.get(str(about.get("type")), Kind.OTHER)


def _own_fields(about: Json, shared: Json) -> tuple[Field, ...]:
    """What an entry of a mapping consists of; none when this is no mapping, or one that has no widget."""
    patterns = about.get("patternProperties")
    found = next(iter(patterns.values())) if patterns else about.get("additionalProperties")
    if about.get("type") != "object" or not isinstance(found, Mapping):
        return ()
    values = _resolved(found, shared)
    if "properties" in values:
        return tuple(_fields(values, shared, ()))
    value = replace(_field(("value",), values, shared), path=(), optional=True)  # empty: the entry goes
    return (value,) if value.kind in {Kind.NUMBER, Kind.TEXT, Kind.CHOICE} else ()


def _choices(about: Json) -> tuple[object, ...]:
    return (about["const"],) if "const" in about else tuple(about.get("enum", ()))


def _without_null(about: Json, shared: Json) -> tuple[Json, bool]:
    options = [_resolved(option, shared) for option in about.get("anyOf", ())]
    real = [option for option in options if option.get("type") != "null"]
    if len(real) == 1:
        return {**about, **real[0]}, len(real) < len(options)
    return about, False


def _resolved(about: Json, shared: Json) -> Json:
    """What is shared has the title of its class, which says nothing to a person."""
    reference = about.get("$ref", "")
    meant = shared[reference.rpartition("/")[2]] if reference else {}
    return {**{key: value for key, value in meant.items() if key != "title"}, **about}


def _default(about: Json, kind: Kind) -> object:
    return about.get("default", {} if kind is Kind.ENTRIES else None)


def _given_title(name: str, about: Json) -> str:
    """A field without a title of its own gets a stiff one from pydantic."""
    title = str(about.get("title", ""))
    return title if title and title != name.replace("_", " ").title() else _title(name)


def _title(name: str) -> str:
    words = next((name.removesuffix(end) for end, _ in UNITS if name.endswith(end)), name)
    return words.replace("_", " ").capitalize()


def _unit(name: str) -> str:
    return next((unit for end, unit in UNITS if name.endswith(end)), "")
