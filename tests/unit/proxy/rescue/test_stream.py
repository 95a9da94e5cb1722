"""An answer that breaks anywhere and goes on elsewhere is, to the client, one answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from appliance.proxy.rescue import CannotGoOn, broken_stream
from appliance.proxy.rescue.events import Event, read_events

CHAT, COMPLETIONS = "/v1/chat/completions", "/v1/completions"
MESSAGES, RESPONSES = "/v1/messages", "/v1/responses"
BODIES: dict[str, dict[str, Any]] = {
    CHAT: {"messages": [{"role": "user", "content": "Tell."}]},
    COMPLETIONS: {"prompt": "Once"},
    MESSAGES: {"messages": [{"role": "user", "content": "Tell."}], "max_tokens": 1000},
    RESPONSES: {"input": "Tell."},
}


def chat(answer_id: str, words: Iterable[str], usage: tuple[int, int]) -> list[Event]:
    base = {"id": answer_id, "created": len(answer_id), "object": "chat.completion.chunk"}

    def chunk(delta: dict[str, Any], finish: str | None = None) -> Event:
        return Event("", {**base, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]})

    counted = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return [
        chunk({"role": "assistant", "content": None}),
        *(chunk({"content": word}) for word in words),
        chunk({}, "stop"),
        Event("", {**base, "choices": [], "usage": counted}),
        Event("", None),
    ]


def completions(answer_id: str, words: Iterable[str], usage: tuple[int, int]) -> list[Event]:
    def chunk(text: str, finish: str | None = None, **more: Any) -> Event:
        choice = {"text": text, "index": 0, "finish_reason": finish}
        return Event("", {"id": answer_id, "created": len(answer_id), "choices": [choice], **more})

    counted = {"prompt_tokens": usage[0], "completion_tokens": usage[1], "total_tokens": sum(usage)}
    return [*(chunk(word) for word in words), chunk("", "stop", usage=counted), Event("", None)]


def messages(answer_id: str, words: Iterable[str], usage: tuple[int, int]) -> list[Event]:
    def event(kind: str, **data: Any) -> Event:
        return Event(kind, {"type": kind, **data})

    return [
        event("message_start", message={"id": answer_id, "usage": {"input_tokens": usage[0], "output_tokens": 0}}),
        event("content_block_start", index=0, content_block={"type": "text", "text": ""}),
        *(event("content_block_delta", index=0, delta={"type": "text_delta", "text": word}) for word in words),
        event("content_block_stop", index=0),
        event("message_delta", delta={"stop_reason": "end_turn"}, usage={"output_tokens": usage[1]}),
        event("message_stop"),
    ]


def responses(answer_id: str, words: Iterable[str], usage: tuple[int, int]) -> list[Event]:
    words = list(words)
    item = {"type": "message", "id": f"msg_{answer_id}", "content": [{"type": "output_text", "text": "".join(words)}]}
    counted = {"input_tokens": usage[0], "output_tokens": usage[1], "total_tokens": sum(usage)}

    def event(kind: str, **data: Any) -> Event:
        return Event(kind, {"type": kind, **data})

    return [
        event("response.created", response={"id": answer_id}),
        event("response.in_progress", response={"id": answer_id}),
        event("response.output_item.added", item={"type": "message", "id": item["id"], "content": []}),
        event("response.content_part.added", item_id=item["id"], part={"type": "output_text", "text": ""}),
        *(event("response.output_text.delta", item_id=item["id"], delta=word) for word in words),
        event("response.output_text.done", item_id=item["id"], text="".join(words)),
        event("response.content_part.done", item_id=item["id"], part={"type": "output_text", "text": "".join(words)}),
        event("response.output_item.done", item=item),
        event("response.completed", response={"id": answer_id, "output": [item], "usage": counted}),
    ]


ANSWERS: dict[str, Callable[[str, Iterable[str], tuple[int, int]], list[Event]]] = {
    CHAT: chat,
    COMPLETIONS: completions,
    MESSAGES: messages,
    RESPONSES: responses,
}
HEAD = {CHAT: 1, COMPLETIONS: 0, MESSAGES: 2, RESPONSES: 4}  # events before the first word


def one_answer(path: str, words: list[str], said: int) -> tuple[list[Event], list[Event]]:
    """What the client gets when the engine dies after so many words, and what it would have got."""
    whole = ANSWERS[path]("first", words, (10, len(words)))
    sent = whole[: HEAD[path] + said]
    broken = broken_stream(path, json.dumps(BODIES[path]).encode(), b"".join(event.bytes() for event in sent))
    broken.tokens = said
    assert broken.text == "".join(words[:said])
    rest = words[said:]
    if path == MESSAGES:  # where the engine says all again
        rest = ["".join(words[:said]) + "".join(rest[:1]), *rest[1:]]
    further = ANSWERS[path]("second", rest, (10 + said, len(words) - said))
    fitted = [found for event in further if (found := broken.fitted(event)) is not None]
    return [*sent, *fitted], whole


@pytest.mark.parametrize("path", ANSWERS)
@settings(deadline=None, max_examples=40)
@given(
    words=st.lists(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=6), min_size=2),
    data=st.data(),
)
def test_the_client_sees_one_answer(path: str, words: list[str], data: st.DataObject) -> None:
    """Event for event what it would have got: ids, text, reason and usage."""
    said = data.draw(st.integers(1, len(words) - 1))
    got, whole = one_answer(path, words, said)
    assert got == whole


def test_reasoning_goes_on_as_well() -> None:
    """What was thought is handed to the next engine, and is not told again."""
    events = [
        Event("", {"id": "a", "created": 1, "choices": [{"index": 0, "delta": {"reasoning_content": part}}]})
        for part in ("I ", "think ")
    ]
    broken = broken_stream(CHAT, json.dumps(BODIES[CHAT]).encode(), b"".join(event.bytes() for event in events))
    asked = json.loads(broken.next_request())
    said = {"role": "assistant", "content": "", "reasoning_content": "I think "}
    assert asked["messages"] == [*BODIES[CHAT]["messages"], said]
    again = Event("", {"choices": [{"index": 0, "delta": {"reasoning_content": "so"}}]})
    fitted = broken.fitted(again)
    assert fitted is not None
    assert fitted.data is not None
    assert fitted.data["choices"] == [{"index": 0, "delta": {"reasoning_content": "so"}}]


def test_no_more_is_asked_for_than_is_left() -> None:
    """Of the tokens that the client wanted; one is asked for at least, so that the stream comes to its end."""
    body = {**BODIES[CHAT], "max_tokens": 10}
    broken = broken_stream(CHAT, json.dumps(body).encode(), chat("a", ["one"], (1, 1))[1].bytes())
    broken.tokens = 4
    assert json.loads(broken.next_request())["max_tokens"] == 6
    broken.tokens = 10
    assert json.loads(broken.next_request())["max_tokens"] == 1


@pytest.mark.parametrize(
    ("path", "body", "sent"),
    [
        (CHAT, {"messages": [], "n": 2}, b""),
        (CHAT, {"messages": [], "response_format": {"type": "json_object"}}, b""),
        (CHAT, {"messages": [], "grammar": "root ::= x"}, b""),
        (CHAT, {"messages": []}, b'data: {"choices":[{"delta":{"tool_calls":[{"index":0}]}}]}\n\n'),
        (COMPLETIONS, {"prompt": [1, 2]}, b""),
        (COMPLETIONS, {"prompt": "x", "suffix": "y"}, b""),
        (MESSAGES, {"messages": []}, b'data: {"type":"content_block_start","content_block":{"type":"tool_use"}}\n\n'),
        (RESPONSES, {"input": "x"}, b'data: {"type":"x","item":{"type":"function_call"}}\n\n'),
        (RESPONSES, {"input": "x", "text": {"format": {"type": "json_schema"}}}, b""),
        ("/v1/embeddings", {"input": "x"}, b""),
    ],
)
def test_what_cannot_be_gone_on_with_says_so(path: str, body: dict[str, Any], sent: bytes) -> None:
    """Rather a clear error than a wrong answer."""
    with pytest.raises(CannotGoOn):
        broken_stream(path, json.dumps(body).encode(), sent)


def test_plain_text_may_be_asked_for() -> None:
    """It binds nothing."""
    for body in ({"response_format": {"type": "text"}}, {"text": {"format": {"type": "text"}}}):
        broken_stream(CHAT, json.dumps({**BODIES[CHAT], **body}).encode(), b"")


def test_events_are_read_as_they_are_written() -> None:
    """Comments and broken lines are nobody's events."""
    raw = b': note\n\nevent: x\ndata: {"a":1}\n\ndata: {broken\n\ndata: [DONE]\n\n'
    assert list(read_events(raw)) == [Event("x", {"a": 1}), Event("", None)]
