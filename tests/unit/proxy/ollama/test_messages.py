"""A conversation in OpenAI's shape."""

from __future__ import annotations

import base64
import json
from typing import Any

import msgspec
import pytest

from appliance.proxy.ollama.messages import conversation, picture
from appliance.proxy.ollama.shapes import Message

CALL = {"function": {"name": "weather", "arguments": {"city": "Oslo"}}}


def told(*messages: dict[str, Any]) -> list[dict[str, Any]]:
    return conversation(msgspec.json.decode(json.dumps(messages), type=list[Message]))


def test_pictures_become_parts_of_the_message() -> None:
    """Before the text, in their order."""
    (said,) = told({"role": "user", "content": "What is it?", "images": ["iVBORw0", "/9j/4A"]})
    assert said["content"] == [
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw0"}},
        {"type": "image_url", "image_url": {"url": "data:image/jpeg;base64,/9j/4A"}},
        {"type": "text", "text": "What is it?"},
    ]


@pytest.mark.parametrize(
    ("first", "kind"),
    [(b"\x89PNG\r\n\x1a\n", "png"), (b"GIF89a", "gif"), (b"RIFF\0\0\0\0WEBP", "webp"), (b"\xff\xd8\xff\xe0", "jpeg")],
)
def test_the_kind_of_a_picture_is_known_by_its_beginning(first: bytes, kind: str) -> None:
    """Ollama's programs do not say it."""
    assert picture(base64.b64encode(first).decode()).startswith(f"data:image/{kind};base64,")


@pytest.mark.parametrize("address", ["http://10.0.0.1/", "file:///etc/passwd", "https://example.org/a.png"])
def test_an_address_is_never_passed_on_as_one(address: str) -> None:
    """The engine would fetch what it leads to."""
    assert picture(address).startswith("data:image/jpeg;base64,")


def test_a_call_and_its_result_belong_together() -> None:
    """Programs for Ollama need not give ids, OpenAI's shape wants them."""
    _, asked, result = told(
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": "", "tool_calls": [CALL]},
        {"role": "tool", "tool_name": "weather", "content": "Rain"},
    )
    (call,) = asked["tool_calls"]
    assert call["function"] == {"name": "weather", "arguments": '{"city": "Oslo"}'}
    assert (call["type"], result["tool_call_id"]) == ("function", call["id"])


def test_results_find_the_calls_of_their_names() -> None:
    """In whatever order they come; without a name the earliest open one is meant."""
    calls = [{"function": {"name": name}} for name in ("a", "b", "a")]
    asked, *results = told(
        {"role": "assistant", "tool_calls": calls},
        {"role": "tool", "tool_name": "b", "content": ""},
        {"role": "tool", "content": ""},
        {"role": "tool", "tool_name": "a", "content": ""},
    )
    first, second, third = (call["id"] for call in asked["tool_calls"])
    assert [result["tool_call_id"] for result in results] == [second, first, third]


def test_ids_of_the_program_are_kept() -> None:
    """Newer programs give them."""
    asked, result = told(
        {"role": "assistant", "tool_calls": [{"id": "x1", **CALL}]}, {"role": "tool", "tool_call_id": "x1"}
    )
    assert asked["tool_calls"][0]["id"] == result["tool_call_id"] == "x1"


def test_a_result_without_a_call_has_an_id_all_the_same() -> None:
    """A conversation that was cut in front stays readable."""
    (result,) = told({"role": "tool", "content": "Rain"})
    assert result["tool_call_id"]


def test_arguments_may_be_a_text_already() -> None:
    """Programs that were made for OpenAI send them so."""
    (asked,) = told({"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": '{"a": 1}'}}]})
    assert asked["tool_calls"][0]["function"]["arguments"] == '{"a": 1}'


def test_thoughts_go_back_to_the_model() -> None:
    """Under the engine's name for them."""
    (said,) = told({"role": "assistant", "content": "4", "thinking": "2+2"})
    assert said == {"role": "assistant", "content": "4", "reasoning_content": "2+2"}
