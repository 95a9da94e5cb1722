"""What is wrong with a setting, as one would say it."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from appliance.settings.schema import Settings
from webui.views.complaints import complaints


def said(document: dict[str, object]) -> dict[str, str]:
    with pytest.raises(ValidationError) as caught:
        Settings.model_validate(document)
    return {".".join(path): text for path, text in complaints(caught.value).items()}


@pytest.mark.parametrize("value", [0, 65, "many", "", None, 1.5, True])
def test_a_number_is_told_its_limits(value: object) -> None:
    """Whatever was wrong with it."""
    assert said({"serving": {"slots": value}}) == {"serving.slots": "This must be a whole number between 1 and 64."}


def test_a_number_that_may_be_empty_is_told_so() -> None:
    """The field of a single model."""
    assert said({"serving": {"per_model": {"a.b": {"slots": 0}}}}) == {
        "serving.per_model.a.b.slots": "This must be a whole number between 1 and 64, or empty."
    }


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("", "This cannot be empty."),
        ("x" * 65, "This may have at most 64 characters."),
        ("a\nb", "There are characters in it that cannot be used here."),
        (5, "There are characters in it that cannot be used here."),
    ],
)
def test_a_text_is_told_what_is_wrong(name: object, words: str) -> None:
    """Too short, too long, or with odd signs."""
    assert said({"node": {"name": name}}) == {"node.name": words}


def test_a_wrong_line_is_quoted_with_its_rule() -> None:
    """The person sees which of many."""
    told = said({"web": {"allowed_hosts": ["a.example.org", "not a name"]}})["web.allowed_hosts"]
    assert (
        told == "“not a name” cannot be used. Write a name such as box.example.org, or *.example.org for all below it."
    )


def test_too_many_lines_and_too_long_ones_are_told() -> None:
    """With the limit."""
    assert said({"web": {"allowed_hosts": ["a"] * 65}})["web.allowed_hosts"] == "There may be at most 64 lines."
    assert "at most 253 characters" in said({"web": {"allowed_hosts": ["a" * 254]}})["web.allowed_hosts"]


def test_choices_switches_and_names_of_entries_have_their_words() -> None:
    """One sentence a field."""
    assert said({"serving": {"kv_type": "f17"}})["serving.kv_type"] == "Choose one of the list."
    assert said({"web": {"public_metrics": "maybe"}})["web.public_metrics"] == "This is either on or off."
    assert "another name" in said({"serving": {"per_model": {"": {}}}})["serving.per_model."]
    many: dict[str, object] = {f"m{number}": {} for number in range(257)}
    assert said({"serving": {"per_model": many}})["serving.per_model"] == "There may be at most 256 of them."


def test_what_this_box_does_not_know_is_told() -> None:
    """From a file of another version."""
    assert said({"nonsense": 1, "node": {"more": 1}}) == {
        "nonsense": "This box knows no such setting.",
        "node.more": "This box knows no such setting.",
    }
