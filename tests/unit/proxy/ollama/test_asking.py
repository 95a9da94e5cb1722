"""Requests of Ollama's routes become requests that the relay takes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from appliance.proxy.errors import ApiError
from appliance.proxy.ollama.asking import Asked, Telling, ask_chat, ask_embed, ask_embedding, ask_generate

SAID = {"role": "user", "content": "Hi"}
WHOLE = {"model": "m", "stream": False}


def body(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def sent(asked: Asked) -> Any:
    return json.loads(asked.body)


def test_a_chat_is_streamed_unless_asked_otherwise() -> None:
    """As in Ollama; the stream tells its tokens at the end."""
    asked = ask_chat(body(model="m", messages=[SAID]))
    assert (asked.path, asked.stream, asked.telling) == ("/v1/chat/completions", True, Telling.CHAT)
    assert sent(asked) == {
        "model": "m",
        "stream": True,
        "messages": [SAID],
        "stream_options": {"include_usage": True},
    }
    assert sent(ask_chat(body(**WHOLE, messages=[SAID]))) == {**WHOLE, "messages": [SAID]}


def test_null_means_absent() -> None:
    """Programs in Go send null for what they do not set."""
    nothing = {"options": None, "format": None, "tools": None, "think": None, "keep_alive": None, "stream": None}
    assert ask_chat(body(model="m", messages=[SAID], **nothing)) == ask_chat(body(model="m", messages=[SAID]))


def test_tools_go_through_as_they_are() -> None:
    """Both have the same shape."""
    tools = [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
    assert sent(ask_chat(body(**WHOLE, messages=[SAID], tools=tools)))["tools"] == tools


def test_generate_asks_in_a_conversation() -> None:
    """The model's own template makes the prompt."""
    asked = ask_generate(body(**WHOLE, prompt="Hi", system="Be short."))
    assert (asked.path, asked.telling) == ("/v1/chat/completions", Telling.GENERATE)
    assert sent(asked)["messages"] == [{"role": "system", "content": "Be short."}, SAID]


def test_a_raw_prompt_goes_to_the_model_as_it_is() -> None:
    """No template, no roles."""
    asked = ask_generate(body(**WHOLE, prompt="One", raw=True, options={"num_predict": 3}))
    assert (asked.path, sent(asked)) == ("/v1/completions", {**WHOLE, "prompt": "One", "max_tokens": 3})


def test_a_suffix_asks_for_what_stands_between() -> None:
    """The engine's own route, with its own name for the length."""
    asked = ask_generate(body(**WHOLE, prompt="def f(", suffix="return 1", options={"num_predict": 3}))
    filled = {**WHOLE, "input_prefix": "def f(", "input_suffix": "return 1", "n_predict": 3}
    assert (asked.path, sent(asked)) == ("/infill", filled)


def test_a_template_is_refused() -> None:
    """It would change what the model was made for; the refusal names the way out."""
    with pytest.raises(ApiError, match="raw") as refused:
        ask_generate(body(model="m", prompt="Hi", template="{{ .Prompt }}"))
    assert refused.value.status == 400


@pytest.mark.parametrize("nothing", ["", None])
def test_no_words_load_the_model(nothing: str | None) -> None:
    """How programs warm a model up."""
    asked = ask_generate(body(model="m", prompt=nothing))
    assert (asked.path, asked.reason) == ("/apply-template", "load")
    assert ask_chat(body(model="m", messages=[])).path == "/apply-template"


@pytest.mark.parametrize("keep_alive", [0, 0.0, "0", "0s", "0m"])
def test_no_words_and_no_time_ask_nothing_of_an_engine(keep_alive: float | str) -> None:
    """Others use the model as well: it stays, and the program hears what it expects."""
    asked = ask_chat(body(model="m", messages=[], keep_alive=keep_alive))
    assert (asked.path, asked.reason, asked.ignored) == ("", "unload", ("keep_alive",))


@pytest.mark.parametrize("texts", ["Hi", ["Hi", "Ho"]])
def test_texts_are_embedded(texts: str | list[str]) -> None:
    """One or many."""
    asked = ask_embed(body(model="m", input=texts, dimensions=4, truncate=True))
    assert (asked.path, asked.telling, asked.dimensions) == ("/v1/embeddings", Telling.EMBED, 4)
    assert sent(asked) == {"model": "m", "input": texts, "encoding_format": "float"}


def test_the_older_route_calls_the_text_a_prompt() -> None:
    """And its answer is one vector."""
    asked = ask_embedding(body(model="m", prompt="Hi"))
    assert (asked.telling, sent(asked)["input"]) == (Telling.EMBEDDING, "Hi")


@pytest.mark.parametrize("texts", [None, "", []])
def test_no_texts_ask_nothing_of_an_engine(texts: Any) -> None:
    """As in Ollama, the answer is an empty list."""
    assert ask_embed(body(model="m", input=texts)).path == ""


def test_what_means_nothing_here_is_named() -> None:
    """A person who wonders finds it in a header."""
    asked = ask_generate(
        body(model="m", prompt="Hi", keep_alive="5m", context=[1, 2], options={"num_ctx": 8192, "top_k": 1})
    )
    assert asked.ignored == ("options.num_ctx", "keep_alive", "context")


def test_a_tag_leaves_the_choice_to_the_box_as_well() -> None:
    """Programs add `:latest` to every name; the answer repeats what they said."""
    asked = ask_chat(body(model="auto:latest", messages=[SAID]))
    assert (asked.model, sent(asked)["model"]) == ("auto:latest", "auto")


def test_the_old_name_of_the_field_works() -> None:
    """`name` was `model` once."""
    assert ask_chat(body(name="m", messages=[SAID])).model == "m"


@pytest.mark.parametrize(
    "bad",
    [
        b"",
        b"[]",
        b"{",
        b'{"model": "m", "messages": "Hi"}',
        b'{"model": "m", "messages": [{"content": "no role"}]}',
        b'{"messages": [{"role": "user", "content": "no model"}]}',
        b'{"model": 7, "messages": []}',
        b'{"model": "m", "messages": [], "options": [1]}',
        b'{"model": "\xff", "messages": []}',
        b'{"model": "m", "tools": ' + b"[" * 100_000,
        b'{"model": "m", "messages": [{"role": "user"}], "format": "yaml"}',
        b'{"model": "m", "messages": [{"role": "user"}], "format": 7}',
        b'{"model": "m", "messages": [{"role": "user"}], "think": "a lot"}',
    ],
)
def test_what_makes_no_sense_is_refused(bad: bytes) -> None:
    """With a status that says whose fault it is."""
    with pytest.raises(ApiError) as refused:
        ask_chat(bad)
    assert refused.value.status == 400


def test_dimensions_below_one_are_refused() -> None:
    """There is no such vector."""
    with pytest.raises(ApiError, match="dimensions"):
        ask_embed(body(model="m", input="Hi", dimensions=-1))
