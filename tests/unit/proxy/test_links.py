"""Addresses that an engine would fetch are found, in every spelling; others are left alone."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy.links import remote_link

LINK = "http://192.168.1.1/admin"
IMAGE = {"type": "image_url", "image_url": {"url": LINK}}


def asked(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": list(parts)}]}


FETCHED: dict[str, dict[str, Any]] = {
    "chat": asked(IMAGE),
    "responses": {"input": [{"role": "user", "content": [{"type": "input_image", "image_url": LINK}]}]},
    "a tool's output": {
        "input": [
            {"type": "function_call_output", "call_id": "1", "output": [{"type": "input_image", "image_url": LINK}]}
        ]
    },
    "messages": asked({"type": "image", "source": {"type": "url", "url": LINK}}),
    "a tool's result": asked(
        {"type": "tool_result", "content": [{"type": "image", "source": {"type": "url", "url": LINK}}]}
    ),
    "audio by data": asked({"type": "input_audio", "input_audio": {"data": LINK}}),
    "audio by url": asked({"type": "input_audio", "input_audio": {"url": LINK}}),
    "video": asked({"type": "input_video", "input_video": {"url": LINK}}),
    "video by its other name": asked({"type": "video_url", "video_url": {"url": LINK}}),
    "embeddings": {"input": {"content": [IMAGE]}},
    "embeddings by their other name": {"content": [{"content": [IMAGE]}]},
    "anywhere": {"messages": [{"content": [{"a": [[{"b": IMAGE}]]}]}]},
}


@pytest.mark.parametrize("body", FETCHED.values(), ids=FETCHED)
def test_every_place_that_engines_fetch_from(body: dict[str, Any]) -> None:
    """On every route."""
    assert remote_link(json.dumps(body).encode()) == LINK
    assert remote_link(json.dumps(body, indent=3).replace(": ", " \t\n:\r ").encode()) == LINK


@pytest.mark.parametrize(
    "body",
    [
        asked({"type": "text", "text": LINK}),
        asked(LINK),
        {"messages": [{"role": "user", "content": LINK}]},
        asked({"type": "tool_use", "name": "fetch", "input": {"url": LINK}}),
        asked({"type": "output_text", "text": "x", "annotations": [{"type": "url_citation", "url": LINK}]}),
        {"tools": [{"type": "function", "function": {"parameters": {"$schema": LINK, "url": {"default": LINK}}}}]},
        asked({"type": "image_url", "image_url": {"url": "data:image/png;base64,aHR0cDovL3g="}}),
        asked({"type": "image_url", "image_url": {"url": "meshbox://objects/abcdefgh"}}),
        {"user": LINK, "url": LINK, "data": LINK},
    ],
)
def test_what_no_engine_fetches(body: dict[str, Any]) -> None:
    """An address in words, or for a tool, is nobody's business."""
    assert remote_link(json.dumps(body).encode()) is None


@given(st.lists(st.booleans(), min_size=60, max_size=60), st.booleans())
def test_letters_by_their_numbers(by_number: list[bool], capital: bool) -> None:
    """No spelling hides an address."""
    choice = iter(by_number)

    def spelled(word: str) -> str:
        number = "\\u%04X" if capital else "\\u%04x"
        return '"' + "".join(number % ord(letter) if next(choice) else letter for letter in word) + '"'

    inner = f'{{{spelled("url")}: {spelled("https:")[:-1]}//x"}}'
    part = f"{{{spelled('type')}: {spelled('image_url')}, {spelled('image_url')}: {inner}}}"
    body = f'{{"messages": [{{"content": [{part}]}}]}}'
    assert remote_link(body.encode()) == "https://x"


@pytest.mark.parametrize(
    "part",
    [
        '{"type": "image_url", "image_url": {"url": "http://x", "url": "data:"}}',
        '{"type": "image_url", "image_url": {"url": "data:", "url": "http://x"}}',
        '{"type": "image_url", "image_url": {"url": "http://x"}, "image_url": {"url": "data:"}}',
        '{"type": "image_url", "image_url": {"url": "http://x"}, "image_url": 1, "image_url": {}}',
        '{"type": "text", "type": "image_url", "image_url": {"url": "http://x"}}',
        '{"type": "image_url", "type": "text", "image_url": {"url": "http://x"}}',
    ],
)
def test_equal_fields(part: str) -> None:
    """Whichever of two an engine would take."""
    assert remote_link(b'{"messages": [{"content": [%b]}]}' % part.encode()) == "http://x"


def test_numbers_of_any_length() -> None:
    """They are not worked out."""
    body = json.dumps(asked(IMAGE)).encode()[:-1] + b', "seed": ' + b"9" * 10_000 + b"}"
    assert remote_link(body) == LINK
