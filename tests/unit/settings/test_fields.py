"""Fields are read off the schema: nothing that can be set is forgotten, and each kind has its widget."""

from __future__ import annotations

import enum
from typing import Annotated, Literal

from pydantic import BaseModel
from pydantic import Field as SchemaField

from appliance.settings.difference import BOOKKEEPING
from appliance.settings.fields import Field, Kind, find_field, sections, sections_of
from appliance.settings.schema import Settings


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Entry(BaseModel):
    size: int | None = SchemaField(default=None, ge=1, le=9)


class Part(BaseModel):
    text: str = SchemaField(default="a", min_length=1, max_length=5, title="A text", description="Words")
    wait_s: Annotated[float, SchemaField(gt=0, le=2.5)] = 1.5
    max_size_mib: int = SchemaField(default=3, ge=1, le=7)
    switch: bool = True
    choice: Literal["one", "two"] = "one"
    colour: Colour = Colour.RED
    lines: tuple[str, ...] = SchemaField(default=("x",), max_length=4)
    entries: dict[str, Entry] = SchemaField(default_factory=dict, max_length=6)
    limits: dict[str, int] = SchemaField(default_factory=dict)
    odd: tuple[int, ...] = ()


class Inner(BaseModel):
    deep: bool = False


class Outer(BaseModel):
    inner: Inner = Inner()


class Document(BaseModel):
    version: int = 1
    part: Part = Part()
    outer: Outer = SchemaField(default=Outer(), title="Something")


PART, OUTER = sections_of(Document.model_json_schema())
FIELDS = {field.path[-1]: field for field in PART.fields}


def test_every_kind_has_its_widget() -> None:
    """What has none is shown and not edited."""
    assert {name: field.kind for name, field in FIELDS.items()} == {
        "text": Kind.TEXT,
        "wait_s": Kind.NUMBER,
        "max_size_mib": Kind.NUMBER,
        "switch": Kind.SWITCH,
        "choice": Kind.CHOICE,
        "colour": Kind.CHOICE,
        "lines": Kind.LINES,
        "entries": Kind.ENTRIES,
        "limits": Kind.ENTRIES,
        "odd": Kind.OTHER,
    }


def test_a_field_carries_what_its_form_needs() -> None:
    """Words, default and limits."""
    assert FIELDS["text"] == Field(
        path=("part", "text"), kind=Kind.TEXT, title="A text", help="Words", default="a", whole=False, least=1, most=5
    )
    assert FIELDS["lines"].most_items == 4
    assert FIELDS["choice"].choices == ("one", "two")
    assert FIELDS["colour"].choices == ("red", "blue")


def test_a_number_has_limits_and_a_unit() -> None:
    """The unit stands at the end of the name."""
    field = FIELDS["max_size_mib"]
    assert (field.title, field.unit, field.least, field.most, field.whole) == ("Max size", "MiB", 1, 7, True)
    assert (FIELDS["wait_s"].unit, FIELDS["wait_s"].whole) == ("seconds", False)


def test_an_entry_of_a_mapping_has_fields_of_its_own() -> None:
    """A mapping to plain values has one, which may be left empty."""
    (own,) = FIELDS["entries"].fields
    assert (own.path, own.kind, own.optional, own.most) == (("size",), Kind.NUMBER, True, 9)
    (value,) = FIELDS["limits"].fields
    assert (value.path, value.kind, value.optional) == ((), Kind.NUMBER, True)


def test_sections_within_sections_are_fields_of_the_outer_one() -> None:
    """Their names are dotted all the way."""
    assert [field.name for field in OUTER.fields] == ["outer.inner.deep"]
    assert (PART.title, OUTER.title) == ("Part", "Something")


def test_bookkeeping_is_no_section() -> None:
    """Version, revision and the steps of the set-up are in no form; everything else is."""
    assert {section.name for section in sections()} == Settings.model_fields.keys() - BOOKKEEPING


def test_every_setting_can_be_edited_and_is_explained() -> None:
    """A setting that is added without words, or of a kind without a widget, is found here."""
    lacking = [
        field.name
        for section in sections()
        for field in section.fields
        if field.kind is Kind.OTHER or not field.title or not field.help or field.help.endswith(".")
    ]
    assert lacking == []


def test_numbers_have_both_limits() -> None:
    """So that a person can be told what would be right."""
    numbers = [field for section in sections() for field in section.fields if field.kind is Kind.NUMBER]
    assert [field.name for field in numbers if field.least is None or field.most is None] == []


def test_a_path_leads_to_its_field() -> None:
    """Also from inside of a mapping."""
    inside = find_field(("serving", "per_model", "m", "context"))
    assert inside is not None
    assert inside.name == "serving.per_model"
    assert find_field(("serving", "nonsense")) is None
