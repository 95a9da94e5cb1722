"""Whole answers in Ollama's shapes."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import msgspec
import pytest

from appliance.proxy.ollama.asking import Asked, Telling
from appliance.proxy.ollama.telling import Teller, moment


def told(answer: Any, telling: Telling, **asked: Any) -> Any:
    teller = Teller(Asked("m", telling, "/x", **asked), 10.0, lambda: 12.0)
    found = json.loads(msgspec.json.encode(teller.whole(json.dumps(answer).encode())))
    found.pop("created_at", None)
    return found


def test_a_chat() -> None:
    """Words, reason and figures in one."""
    answer = {
        "choices": [{"message": {"role": "assistant", "content": "7"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 18, "completion_tokens": 2, "total_tokens": 20},
        "timings": {"prompt_ms": 500.0, "predicted_ms": 1000.0},
    }
    assert told(answer, Telling.CHAT) == {
        "model": "m",
        "message": {"role": "assistant", "content": "7"},
        "done": True,
        "done_reason": "stop",
        "total_duration": 2_000_000_000,
        "load_duration": 500_000_000,
        "prompt_eval_duration": 500_000_000,
        "eval_duration": 1_000_000_000,
        "prompt_eval_count": 18,
        "eval_count": 2,
    }


def test_calls_of_tools_are_objects() -> None:
    """OpenAI's shape has their arguments as text, and no index in a whole answer."""
    calls = [{"id": f"c{i}", "function": {"name": "f", "arguments": json.dumps({"a": i})}} for i in (0, 1)]
    said = told({"choices": [{"message": {"content": None, "tool_calls": calls}}]}, Telling.CHAT)["message"]
    assert [call["function"]["arguments"] for call in said["tool_calls"]] == [{"a": 0}, {"a": 1}]


@pytest.mark.parametrize(
    "answer",
    [
        {"choices": [{"message": {"content": "7"}, "finish_reason": "stop"}]},
        {"choices": [{"text": "7", "finish_reason": "stop"}]},
        {"content": "7", "stop_type": "eos"},
    ],
)
def test_generated_texts(answer: Any) -> None:
    """From whichever route they come."""
    said = told(answer, Telling.GENERATE)
    assert (said["response"], said["done"], said["done_reason"]) == ("7", True, "stop")


def test_vectors() -> None:
    """In the order of their texts."""
    answer = {
        "data": [{"index": 1, "embedding": [0.0, 1.0]}, {"index": 0, "embedding": [0.5, 0.25]}],
        "usage": {"prompt_tokens": 4},
    }
    said = told(answer, Telling.EMBED)
    assert (said["embeddings"], said["prompt_eval_count"]) == ([[0.5, 0.25], [0.0, 1.0]], 4)
    assert told(answer, Telling.EMBEDDING) == {"embedding": [0.5, 0.25]}


def test_shorter_vectors_have_a_length_of_one_again() -> None:
    """So that they can be compared."""
    answer = {"data": [{"index": 0, "embedding": [3.0, 4.0, 12.0]}, {"index": 1, "embedding": [0.0, 0.0, 1.0]}]}
    assert told(answer, Telling.EMBED, dimensions=2)["embeddings"] == [[0.6, 0.8], [0.0, 0.0]]


def test_a_model_that_was_loaded() -> None:
    """Nothing is said, and why."""
    said = told({"prompt": "whatever"}, Telling.CHAT, reason="load")
    assert said == {
        "model": "m",
        "message": {"role": "assistant", "content": ""},
        "done": True,
        "done_reason": "load",
    }


def test_moments_are_exact_to_the_nanosecond() -> None:
    """As Ollama writes them, and as programs read them."""
    assert moment(1_700_000_000_000_000_005) == "2023-11-14T22:13:20.000000005Z"
    assert datetime.fromisoformat(moment(10**18)).timestamp() == 10**9
