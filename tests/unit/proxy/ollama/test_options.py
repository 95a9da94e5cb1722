"""Parameters in the engine's words."""

from __future__ import annotations

import msgspec
import pytest

from appliance.proxy.errors import ApiError
from appliance.proxy.ollama.options import answer_format, engine_options, ignored_options, thinking
from appliance.proxy.ollama.shapes import Chat


def test_what_both_know_goes_through() -> None:
    """Under the engine's name; null is as if nothing stood there."""
    given = {"temperature": 0, "top_p": 0.9, "stop": ["\n"], "num_keep": 4, "seed": None}
    assert engine_options(given) == {"temperature": 0, "top_p": 0.9, "stop": ["\n"], "n_keep": 4}


@pytest.mark.parametrize(("most", "asked"), [(5, {"max_tokens": 5}), (0, {}), (-1, {}), (-2, {})])
def test_below_one_the_answer_has_no_limit(most: int, asked: dict[str, int]) -> None:
    """Ollama's -1 is endless, its -2 until the context is full."""
    assert engine_options({"num_predict": most}) == asked


def test_a_value_that_makes_no_sense_is_left_to_the_engine() -> None:
    """It says what is wrong."""
    assert engine_options({"num_predict": "many", "temperature": "hot"}) == {"max_tokens": "many", "temperature": "hot"}


def test_what_the_owner_decides_is_ignored_by_name() -> None:
    """Context, memory and threads are settings of the box; so is what nobody knows."""
    given = {"num_ctx": 8192, "num_gpu": 1, "new_thing": 1, "top_k": 3, "use_mmap": None}
    assert ignored_options(given) == ["options.num_ctx", "options.num_gpu", "options.new_thing"]


def test_json_and_schemas() -> None:
    """Both are held to by the engine."""
    assert answer_format(msgspec.Raw(b'"json"')) == {"response_format": {"type": "json_object"}}
    asked = msgspec.json.encode(answer_format(msgspec.Raw(b'{"type":"object"}')))
    assert msgspec.json.decode(asked)["response_format"]["json_schema"]["schema"] == {"type": "object"}


@pytest.mark.parametrize("nothing", [b"", b"null", b'""'])
def test_no_format_is_none(nothing: bytes) -> None:
    """Programs send an empty text for it."""
    assert answer_format(msgspec.Raw(nothing)) == {}


@pytest.mark.parametrize(
    ("think", "asked"),
    [
        (None, {}),
        (True, {"chat_template_kwargs": {"enable_thinking": True}}),
        (False, {"reasoning_effort": "none"}),
        ("high", {"reasoning_effort": "high"}),
    ],
)
def test_thinking(think: bool | str | None, asked: dict[str, object]) -> None:
    """On, off, or how much."""
    assert thinking(Chat(think=think)) == asked


def test_an_unknown_effort_is_refused() -> None:
    """With the words that are known."""
    with pytest.raises(ApiError, match="medium"):
        thinking(Chat(think="a lot"))
