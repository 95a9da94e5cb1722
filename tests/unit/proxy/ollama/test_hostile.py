"""Whatever is sent, a program is told in a sentence; whatever an engine says, each line is whole, one is the last."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy.errors import ApiError
from appliance.proxy.ollama.asking import Asked, Telling, ask_chat, ask_embed, ask_embedding, ask_generate
from appliance.proxy.ollama.lines import Lines
from appliance.proxy.ollama.telling import Teller

VALUES = st.recursive(
    st.sampled_from([None, True, 0, -1, 1.5, 10**30, "", "x", '"', "\ud800", "0s", "json"]),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["a", "name"]), inner, max_size=2),
    max_leaves=4,
)
CALLS = st.lists(st.fixed_dictionaries({"function": st.fixed_dictionaries({"name": VALUES, "arguments": VALUES})}))
MESSAGES = st.lists(
    st.fixed_dictionaries(
        {"role": st.sampled_from(["user", "assistant", "tool", ""])},
        optional={"content": VALUES, "images": VALUES, "tool_calls": VALUES | CALLS, "tool_call_id": VALUES},
    ),
    max_size=3,
)
FIELDS = ("prompt", "suffix", "input", "options", "format", "think", "keep_alive", "stream", "tools", "images", "raw")
BODIES = st.fixed_dictionaries(
    {}, optional={"model": st.just("m"), "messages": MESSAGES | VALUES, **dict.fromkeys(FIELDS, VALUES)}
)
EVENTS = st.sampled_from(
    [
        b'data: {"choices":[{"delta":{"content":"x"}}]}\n\n',
        b'data: {"choices":[{"delta":{"tool_calls":[{"index":-5,"id":3}]}}]}\n\n',
        b'data: {"choices":[{"delta":{"tool_calls":[{"function":{"arguments":"[1"}}]},"finish_reason":"stop"}]}\n\n',
        b'data: {"choices":[],"usage":{"prompt_tokens":1e30},"timings":{"prompt_ms":1e308}}\n\n',
        b'data: {"choices":[],"timings":{"prompt_ms":1e308,"predicted_ms":-1}}\n\n',
        b'data: {"error":5}\n\n',
        b"data: [DONE]\n\n",
        b": meshbox\n\n",
        b"event: x\n\n",
        b"data: {",
        b"\xff",
        b"\n",
    ]
)


@pytest.mark.parametrize("ask", [ask_chat, ask_generate, ask_embed, ask_embedding])
@given(body=BODIES)
def test_every_body_is_taken_or_refused(ask: Callable[[bytes], Asked], body: Any) -> None:
    """What is taken is JSON that the relay reads."""
    with contextlib.suppress(ApiError):
        asked = ask(json.dumps(body).encode())
        assert asked.model == "m"
        assert not asked.body or isinstance(json.loads(asked.body), dict)


@pytest.mark.parametrize("ask", [ask_chat, ask_generate])
@given(body=st.binary(max_size=60))
def test_bytes_of_any_kind_are_refused(ask: Callable[[bytes], Asked], body: bytes) -> None:
    """Whatever they are."""
    with pytest.raises(ApiError):
        ask(b'{"model": "m", "messages": [' + body)


@given(events=st.lists(EVENTS, max_size=6), cut=st.integers(0, 400))
def test_every_stream_ends_in_one_last_line(events: list[bytes], cut: int) -> None:
    """Done or an error, and nothing after it."""
    stream = b"".join(events)
    lines = Lines(Teller(Asked("m", Telling.CHAT, "", stream=True), 0.0))
    told = lines.feed(stream[:cut]) + lines.feed(stream[cut:]) + lines.end()
    *before, last = (json.loads(line) for line in told.splitlines())
    assert "error" in last or last["done"]
    assert not any("error" in line or line["done"] for line in before)
