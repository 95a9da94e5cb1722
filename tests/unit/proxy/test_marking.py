"""Objects in a body give way to marks; everything else stays as it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import pytest

from appliance.objects.types import ObjectProblem
from appliance.proxy.endpoints import Shape
from appliance.proxy.marking import MOST_PLACES, Marker

PICTURE, SOUND, WORDS, PAPER = (
    f"meshbox://objects/{name}" for name in ("picture-1", "sound-123", "words-123", "paper-123")
)
TYPES = {"picture-1": "image/png", "sound-123": "audio/wav", "words-123": "text/plain", "paper-123": "application/pdf"}


@dataclass(frozen=True)
class Thing:
    id: str
    type: str


def lend(object_id: str) -> Thing:
    return Thing(object_id, TYPES[object_id])


def marked(body: Any, shape: Shape = Shape.OPENAI) -> Any:
    """The body, with the name of the object in the place of each mark."""
    marker = Marker(shape, lend)
    found = marker.marked(json.dumps(body).encode())
    for start, end, thing in reversed(list(marker.places(found))):
        found = found[:start] + f"<{thing.id}>".encode() + found[end:]
    return json.loads(found)


def content(part: Any) -> Any:
    return {"messages": [{"role": "user", "content": [part, {"type": "text", "text": f"What is {PICTURE}?"}]}]}


IMAGE = "data:image/png;base64,<picture-1>"
AUDIO = "data:audio/wav;base64,<sound-123>"


@pytest.mark.parametrize(
    ("sent", "passed_on"),
    [
        (
            {"type": "image_url", "image_url": {"url": PICTURE, "detail": "low"}},
            {"type": "image_url", "image_url": {"url": IMAGE, "detail": "low"}},
        ),
        ({"type": "input_image", "image_url": PICTURE}, {"type": "input_image", "image_url": IMAGE}),
        (
            {"type": "image", "source": {"type": "url", "url": PICTURE}},
            {"type": "image", "source": {"type": "url", "url": IMAGE}},
        ),
        (
            {"type": "input_audio", "input_audio": {"url": SOUND, "format": "wav"}},
            {"type": "input_audio", "input_audio": {"url": AUDIO, "format": "wav"}},
        ),
        (
            {"type": "input_audio", "input_audio": {"data": SOUND}},
            {"type": "input_audio", "input_audio": {"data": AUDIO}},
        ),
        ({"type": "input_file", "file_url": PICTURE}, {"type": "image_url", "image_url": {"url": IMAGE}}),
        ({"type": "file", "file": {"file_data": SOUND}}, {"type": "input_audio", "input_audio": {"data": AUDIO}}),
        ({"type": "file", "file": {"file_data": WORDS}}, {"type": "text", "text": "<words-123>"}),
        (
            {"type": "tool_result", "content": [{"type": "image", "source": {"type": "url", "url": PICTURE}}]},
            {"type": "tool_result", "content": [{"type": "image", "source": {"type": "url", "url": IMAGE}}]},
        ),
    ],
)
def test_places(sent: Any, passed_on: Any) -> None:
    """Each in the shape that engines take; the words beside it stay."""
    assert marked(content(sent)) == content(passed_on)


@pytest.mark.parametrize(
    ("shape", "part"),
    [
        (Shape.RESPONSES, {"type": "input_image", "image_url": IMAGE}),
        (Shape.ANTHROPIC, {"type": "image", "source": {"type": "url", "url": IMAGE}}),
    ],
)
def test_a_file_in_the_shape_of_its_route(shape: Shape, part: Any) -> None:
    """A picture that was sent as a file."""
    assert marked(content({"type": "input_file", "file_url": PICTURE}), shape) == content(part)


@pytest.mark.parametrize(
    "body",
    [
        {"messages": [{"role": "user", "content": PICTURE}]},
        {"messages": [{"role": "user", "content": [{"type": "text", "text": PICTURE}]}]},
        {"messages": [{"content": [{"type": "tool_use", "input": {"type": "image", "url": PICTURE}}]}]},
        {"user": PICTURE, "tools": [{"type": "image_url", "image_url": {"url": PICTURE}}]},
        {"messages": [{"content": [{"type": "image_url", "image_url": {"detail": PICTURE}}]}]},
        {"messages": 5, "input": PICTURE},
    ],
)
def test_words_stay_words(body: Any) -> None:
    """Who speaks of an object does not send it."""
    assert marked(body) == body


def test_slashes_may_be_escaped() -> None:
    """As some programs write them."""
    body = json.dumps(content({"type": "input_image", "image_url": PICTURE})).replace("/", "\\/").encode()
    marker = Marker(Shape.RESPONSES, lend)
    assert len(list(marker.places(marker.marked(body)))) == 1


def test_what_is_not_touched_stays_byte_for_byte() -> None:
    """Numbers keep their digits, and fields their order."""
    start = b'{"temperature": 1.10, "seed": 123456789012345678901234567890, "messages": '
    messages = b'[{"content": [{"type": "input_image", "image_url": "%b"}], "x": 1.0e+2}]' % PICTURE.encode()
    found = Marker(Shape.OPENAI, lend).marked(start + messages + b"}")
    assert found.startswith(b'{"temperature":1.10,"seed":123456789012345678901234567890,"messages":[{"content":')
    assert found.endswith(b'"x":1.0e+2}]}')


def problem(part: Any, shape: Shape = Shape.OPENAI) -> tuple[str, str]:
    with pytest.raises(ObjectProblem) as caught:
        marked(content(part), shape)
    return caught.value.code, caught.value.detail


@pytest.mark.parametrize(
    "part",
    [
        {"type": "image_url", "image_url": {"url": SOUND}},
        {"type": "input_audio", "input_audio": {"url": PICTURE}},
        {"type": "input_image", "image_url": PAPER},
        {"type": "file", "file": {"file_data": PAPER}},
    ],
)
def test_the_wrong_kind_of_object(part: Any) -> None:
    """It says what the object is."""
    code, detail = problem(part)
    assert (code, "audio/wav" in detail or "image/png" in detail or "application/pdf" in detail) == (
        "object_unusable",
        True,
    )


def test_sound_goes_only_where_engines_take_it() -> None:
    """Not into a route that has no place for it."""
    assert problem({"type": "document", "source": {"url": SOUND}}, Shape.ANTHROPIC)[0] == "object_unusable"


@pytest.mark.parametrize("object_id", ["", "x", "../../../etc/passwd", "a/b/c/d/e/f/g", "x" * 65, "ünder-the-sea"])
def test_ids_that_cannot_be(object_id: str) -> None:
    """Nobody is asked for them."""
    assert problem({"type": "input_image", "image_url": f"meshbox://objects/{object_id}"})[0] == "object_not_found"


def test_places_are_bounded() -> None:
    """One object in a thousand places would be a large request after all."""
    part = {"type": "input_image", "image_url": PICTURE}
    assert len(list(places({"input": [{"content": [part] * MOST_PLACES}]}))) == MOST_PLACES
    with pytest.raises(ObjectProblem, match="places at most"):
        places({"input": [{"content": [part] * (MOST_PLACES + 1)}]})


def places(body: Any) -> list[tuple[int, int, Thing]]:
    marker = Marker(Shape.RESPONSES, lend)
    return list(marker.places(marker.marked(json.dumps(body).encode())))


def test_nobody_can_write_a_mark() -> None:
    """Each request has its own."""
    first, second = Marker(Shape.OPENAI, lend), Marker(Shape.OPENAI, lend)
    body = json.dumps(content({"type": "input_image", "image_url": PICTURE})).encode()
    assert list(second.places(first.marked(body))) == []
