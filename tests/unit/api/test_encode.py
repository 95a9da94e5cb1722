"""JSON that can always be sent."""

from __future__ import annotations

import json

from litestar import MediaType

from appliance.api.encode import Answer, encode, sendable


def test_a_letter_that_is_none_costs_only_itself() -> None:
    """In keys and values, however deep."""
    document = {"a\ud800": [{"b": ("x\udfff", 1, None, True)}], "c": "fine"}
    assert json.loads(encode(document)) == {"a?": [{"b": ["x?", 1, None, True]}], "c": "fine"}


def test_numbers_that_are_none_are_null() -> None:
    """JSON has no word for them."""
    assert encode({"a": float("nan"), "b": float("inf")}) == b'{"a":null,"b":null}'


def test_an_answer_is_sent_all_the_same() -> None:
    """The routes of the API give dicts, and names are in them."""
    assert json.loads(Answer(None).render({"name": "x\ud800"}, MediaType.JSON)) == {"name": "x?"}
    assert Answer(None).render({"name": "x"}, MediaType.JSON) == b'{"name":"x"}'


def test_letters_of_all_scripts_are_sendable() -> None:
    """Only halves of letters are not."""
    assert sendable("Ünïcödé 👩 עולם") == "Ünïcödé 👩 עולם"
