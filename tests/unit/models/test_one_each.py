"""Choosing one model of each."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import replace
from pathlib import Path

from appliance.models.one_each import Found, Hidden, one_each
from appliance.models.types import BrokenFile, Model
from tests.builders import make_model

STORE = Path("/models/store")


def model(name: str, path: str = "", also: tuple[str, ...] = ()) -> Model:
    return replace(make_model(name), path=path or f"/models/{name}.gguf", also=also)


def found(one: Model | BrokenFile, *marks: Hashable, store: Path | None = None) -> Found:
    return Found(one, store, frozenset(marks))


def test_the_first_of_a_name_is_taken_and_the_other_told_of() -> None:
    """The order says what is preferred."""
    first, second = model("a", "/1"), model("a", "/2")
    result = one_each([found(first, 1), found(second, 2)])
    assert (result.models, result.hidden) == ((first,), (Hidden(second, first),))


def test_one_file_with_several_names_is_one_model() -> None:
    """It is found by all of them, and nobody is warned."""
    result = one_each([found(model("a"), 1, "x"), found(model("b"), 2, "x"), found(model("c", also=("d",)), 1)])
    assert [(m.id, m.also) for m in result.models] == [("a", ("b", "c", "d"))]
    assert result.hidden == ()


def test_a_further_name_is_never_the_name_of_another() -> None:
    """Neither its own nor one of its further ones."""
    listed = [found(model("a", also=("b", "x", "a")), 1), found(model("b", also=("x", "y")), 2)]
    assert [(m.id, m.also) for m in one_each(listed).models] == [("a", ("x",)), ("b", ("y",))]


def test_what_one_program_had_before_is_no_news() -> None:
    """Older revisions keep their names."""
    result = one_each([found(model("a"), 1, store=STORE), found(model("a"), 2, store=STORE)])
    assert (len(result.models), result.hidden) == (1, ())


def test_broken_files_are_told_of_once() -> None:
    """Unless the same program has the model whole."""
    bad = BrokenFile("bad", "/p", "why")
    listed = [
        found(bad, 1),
        found(BrokenFile("bad2", "/p2", "why"), 1),
        found(BrokenFile("a", "/q", "why"), store=STORE),
    ]
    assert one_each([*listed, found(model("a"), 2, store=STORE)]).broken == (bad,)
    assert [b.id for b in one_each(listed).broken] == ["bad", "a"]
