"""Tokens, as answers tell them. The answers are those of the real engine."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy.usage import NOTHING_TOLD, TAIL, Usage, read_usage

TIMINGS = (
    b'"timings":{"cache_n":17,"prompt_n":1,"prompt_ms":1.4,"prompt_per_token_ms":1.4,"prompt_per_second":728.3,'
    b'"predicted_n":2,"predicted_ms":0.6,"predicted_per_token_ms":0.6,"predicted_per_second":1658.5}'
)
CHAT_USAGE = (
    b'"usage":{"completion_tokens":2,"prompt_tokens":18,"total_tokens":20,"prompt_tokens_details":{"cached_tokens":17}}'
)
CHAT = (
    b'{"choices":[{"message":{"content":"7"}}],"object":"chat.completion",'
    + CHAT_USAGE
    + b',"id":"x",'
    + TIMINGS
    + b"}"
)
CHAT_END = b'data: {"choices":[{"finish_reason":"stop","delta":{}}],' + TIMINGS + b"}\n\ndata: [DONE]\n\n"
RESPONSE_USAGE = (
    b'"usage":{"input_tokens":18,"output_tokens":2,"total_tokens":20,"input_tokens_details":{"cached_tokens":17}}'
)
RESPONSES_END = (
    b'event: response.completed\ndata: {"type":"response.completed","response":{"output":[],'
    + RESPONSE_USAGE
    + b"},"
    + TIMINGS
    + b"}\n\n"
)
MESSAGE = b'{"type":"message","content":[],"usage":{"cache_read_input_tokens":17,"input_tokens":1,"output_tokens":2}}'
MESSAGE_START = (
    b'event: message_start\ndata: {"type":"message_start","message":{"usage":'
    b'{"cache_read_input_tokens":17,"input_tokens":1,"output_tokens":0}}}\n\n'
)
MESSAGE_END = (
    b'event: message_delta\ndata: {"type":"message_delta","delta":{},"usage":{"output_tokens":2}}'
    b'\n\nevent: message_stop\ndata: {"type":"message_stop"}\n\n'
)
ALL_TOLD = Usage(18, 2, 0.0006, 1658.5)


@pytest.mark.parametrize(
    ("head", "tail", "expected"),
    [
        (b"", CHAT, ALL_TOLD),
        (b'data: {"choices":[]}\n\n', CHAT_END, ALL_TOLD),
        (b"", b'{"output":[],' + RESPONSE_USAGE + b"}", Usage(18, 2)),
        (b'event: response.created\ndata: {"response":{}}\n\n', RESPONSES_END, ALL_TOLD),
        (b"", MESSAGE, Usage(18, 2)),
        (MESSAGE_START, MESSAGE_END, Usage(18, 2)),
        (MESSAGE_START + MESSAGE_END, MESSAGE_START + MESSAGE_END, Usage(18, 2)),
        (MESSAGE_START, MESSAGE_START, Usage(18, None)),
        (b"", b'{"data":[],"usage":{"prompt_tokens":3,"total_tokens":3}}', Usage(3, 0)),
        (
            b"",
            b'data: {"usage": null}\n\ndata: {"usage": {"prompt_tokens": 4, "completion_tokens": 1}}\n\n',
            Usage(4, 1),
        ),
    ],
    ids=[
        "chat",
        "chat stream",
        "responses",
        "responses stream",
        "messages",
        "messages stream",
        "messages at once",
        "messages cut",
        "embeddings",
        "spaced",
    ],
)
def test_each_shape_of_answer_tells_its_tokens(head: bytes, tail: bytes, expected: Usage) -> None:
    """Cached tokens of the question count as read, however the shape writes them."""
    assert read_usage(head, tail) == expected


@pytest.mark.parametrize(
    "tail",
    [
        b"",
        b'{"input_tokens":18}',
        b'{"tokens":[260,313,81]}',
        b'data: {"choices":[{"delta":{"content":"7"}}]}\n\n',
        b'{"usage":{"prompt_tokens":-1,"completion_tokens":"2"}}',
        b'{"usage":{"prompt_tokens":1e400}}',
        b'{"usage":{"prompt_tokens":\xff}}',
        b'{"usage":{{{{{',
        b'"timings":{"predicted_n":99999999999999}',
    ],
)
def test_what_is_not_told_stays_unknown(tail: bytes) -> None:
    """Nothing is invented, and nothing raises."""
    assert read_usage(b"", tail) == NOTHING_TOLD


@pytest.mark.parametrize(
    "text", [rb"\"usage\":{\"prompt_tokens\":999}", rb"\\\"timings\":{\"predicted_n\":999}", b"usage"]
)
def test_text_of_a_model_is_not_mistaken_for_figures(text: bytes) -> None:
    """Quotes within a string are escaped."""
    said = b'{"choices":[{"text":"' + text + b'"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}'
    alone = b'{"choices":[{"text":"' + text + b'"}]}'
    assert (read_usage(b"", said), read_usage(b"", alone)) == (Usage(1, 2), NOTHING_TOLD)


def test_one_token_has_no_speed() -> None:
    """The engine then says nought."""
    tail = b'"timings":{"prompt_n":3,"predicted_n":1,"predicted_ms":0.001,"predicted_per_second":0.0}'
    assert read_usage(b"", tail) == Usage(3, 1, 0.000001, None)


def test_only_the_end_is_read() -> None:
    """However long the answer is."""
    assert read_usage(b"", CHAT + b" " * TAIL) == NOTHING_TOLD
    assert read_usage(b"", b"x" * 10**6 + CHAT_END) == ALL_TOLD


@given(st.binary(max_size=300))
def test_any_bytes_are_taken(junk: bytes) -> None:
    """Before, after, and instead."""
    read_usage(junk, junk)
    read_usage(b"", b'"usage":{' + junk)
    assert read_usage(b"", junk.replace(b"{", b"") + CHAT_END) == ALL_TOLD
