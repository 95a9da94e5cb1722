"""A stream of events becomes lines, each a whole object of JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from appliance.proxy.ollama.asking import Asked, Telling
from appliance.proxy.ollama.lines import Lines
from appliance.proxy.ollama.telling import Teller

HELLO = {"choices": [{"delta": {"content": "Hel"}}]}, {"choices": [{"delta": {"content": "lo"}}]}
STOP = {"choices": [{"delta": {}, "finish_reason": "stop"}]}
FIGURES = {
    "choices": [],
    "usage": {"prompt_tokens": 18, "completion_tokens": 2},
    "timings": {"prompt_ms": 100.0, "predicted_ms": 50.5, "prompt_n": 3},
}
DONE = "[DONE]"


def event(content: object) -> bytes:
    return b"data: " + (content if isinstance(content, str) else json.dumps(content)).encode() + b"\n\n"


def told(pieces: Iterable[bytes], telling: Telling = Telling.CHAT) -> list[dict[str, Any]]:
    """Of an answer that took a second."""
    lines = Lines(Teller(Asked("m", telling, "", stream=True), 0.0, lambda: 1.0))
    text = b"".join(lines.feed(piece) for piece in pieces) + lines.end()
    assert text.endswith(b"\n")
    found = [json.loads(line) for line in text.splitlines()]
    return [{key: value for key, value in line.items() if key not in ("created_at", "model")} for line in found]


def spoken(line: dict[str, Any]) -> Any:
    return line["message"]["content"]


GOOD = [event(one) for one in (*HELLO, STOP, FIGURES, DONE)]
LAST = {
    "message": {"role": "assistant", "content": ""},
    "done": True,
    "done_reason": "stop",
    "total_duration": 1_000_000_000,
    "load_duration": 849_500_000,
    "prompt_eval_duration": 100_000_000,
    "eval_duration": 50_500_000,
    "prompt_eval_count": 18,
    "eval_count": 2,
}


def test_each_piece_has_its_line_and_the_last_tells_the_figures() -> None:
    """Times in nanoseconds, tokens as the engine counted them; what was neither reading nor writing was waiting."""
    first, second, last = told(GOOD)
    assert (first, spoken(second)) == ({"message": {"role": "assistant", "content": "Hel"}, "done": False}, "lo")
    assert last == LAST


def test_pieces_may_be_cut_anywhere() -> None:
    """Byte by byte it is the same."""
    whole = b"".join(GOOD)
    assert told(whole[i : i + 1] for i in range(len(whole))) == told([whole]) == told(GOOD)


def test_a_word_to_one_who_waits_is_an_empty_line_of_the_same_kind() -> None:
    """Programs take every line for JSON: a comment or an empty line would break them."""
    waiting, *rest = told([b": meshbox: m is loading 40%\n\n", *GOOD])
    assert waiting == {"message": {"role": "assistant", "content": ""}, "done": False}
    assert rest == told(GOOD)


def test_an_error_in_mid_stream_is_the_last_line() -> None:
    """Nothing comes after it, whatever the engine still sends."""
    error = event({"error": {"message": "The engine broke off.", "code": "engine_gone"}})
    *_, last = lines = told([GOOD[0], error, *GOOD])
    assert (len(lines), last) == (2, {"error": "The engine broke off."})


@pytest.mark.parametrize("rest", [[], [b'data: {"choi'], [event(DONE)]])
def test_an_answer_without_an_end_says_that_it_broke_off(rest: list[bytes]) -> None:
    """A program must not take half an answer for a whole one."""
    *_, last = told([GOOD[0], *rest])
    assert list(last) == ["error"]


@pytest.mark.parametrize("bad", [b"data: {\n\n", b"data: 7\n\n", b"data: \xff\n\n", b'data: {"choices": 7}\n\n'])
def test_what_cannot_be_read_is_an_error(bad: bytes) -> None:
    """Well-formed, and the end."""
    assert list(told([bad, *GOOD])[-1]) == ["error"]
    assert len(told([bad, *GOOD])) == 1


def test_thoughts_have_a_field_of_their_own() -> None:
    """In chats and in generated texts."""
    thought = event({"choices": [{"delta": {"reasoning_content": "Hm."}}]})
    assert told([thought, *GOOD])[0]["message"] == {"role": "assistant", "content": "", "thinking": "Hm."}
    generated = told([thought, *GOOD], Telling.GENERATE)
    assert generated[0] == {"response": "", "thinking": "Hm.", "done": False}
    assert [line["response"] for line in generated] == ["", "Hel", "lo", ""]


def test_calls_of_tools_are_told_whole() -> None:
    """They come in pieces; programs for Ollama expect an object of arguments."""
    pieces = [
        {"index": 0, "id": "c1", "function": {"name": "weather", "arguments": ""}},
        {"index": 0, "function": {"arguments": '{"city":'}},
        {"index": 1, "function": {"name": "time", "arguments": "{}"}},
        {"index": 0, "function": {"arguments": '"Oslo"}'}},
    ]
    stream = [{"choices": [{"delta": {"tool_calls": [piece]}}]} for piece in pieces]
    ended = {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]}
    called, last = told([event(one) for one in (*stream, ended, FIGURES, DONE)])
    assert called["message"]["tool_calls"] == [
        {"id": "c1", "function": {"index": 0, "name": "weather", "arguments": {"city": "Oslo"}}},
        {"function": {"index": 1, "name": "time", "arguments": {}}},
    ]
    assert (called["done"], last["done"], last["done_reason"]) == (False, True, "stop")


def test_arguments_that_are_no_object_stay_readable() -> None:
    """A model that was cut off writes half of them."""
    piece = {"index": 0, "function": {"name": "f", "arguments": '{"a":'}}
    ended = {"choices": [{"delta": {"tool_calls": [piece]}, "finish_reason": "length"}]}
    called, last = told([event(ended), event(DONE)])
    assert called["message"]["tool_calls"][0]["function"]["arguments"] == {"arguments": '{"a":'}
    assert last["done_reason"] == "length"


def test_the_engines_own_streams_end_without_a_word() -> None:
    """Of texts that are filled in."""
    last = {"content": "", "stop_type": "limit", "tokens_evaluated": 5, "tokens_predicted": 3, "timings": {}}
    filled, end = told([event({"content": "x = 1"}), event(last)], Telling.GENERATE)
    assert (filled["response"], end["done_reason"], end["prompt_eval_count"], end["eval_count"]) == (
        "x = 1",
        "length",
        5,
        3,
    )
