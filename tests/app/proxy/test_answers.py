"""Right answers through every route, streamed and not."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.app.proxy.harness import MODEL, NODE, QUESTION, Api

RESPONSES = {"input": "What is 3 + 4?", "temperature": 0, "max_output_tokens": 16}


def events(body: bytes) -> list[Any]:
    """The data of a stream's events."""
    lines = [line.removeprefix(b"data: ") for line in body.split(b"\n") if line.startswith(b"data: ")]
    return [json.loads(line) for line in lines if line != b"[DONE]"]


@pytest.mark.parametrize("name", [MODEL, "mesh-tiny-dense", "MESH-TINY-DENSE:latest", "auto", None])
async def test_chat_answers_under_every_name(api: Api, name: str | None) -> None:
    """The exact name, a short one, `auto` and none all answer, and the answer names the real model."""
    answer = await api.post("/v1/chat/completions", QUESTION | ({"model": name} if name else {}))
    said = answer.json
    assert (answer.status, said["choices"][0]["message"]["content"], said["model"]) == (200, "7", MODEL)


async def test_chat_streams(api: Api) -> None:
    """A streamed chat brings the same answer in pieces and ends with [DONE]."""
    answer = await api.post("/v1/chat/completions", {**QUESTION, "model": MODEL, "stream": True})
    text = "".join(e["choices"][0]["delta"].get("content") or "" for e in events(answer.body) if e["choices"])
    assert (text, answer.body.endswith(b"data: [DONE]\n\n"), answer.headers["Content-Type"]) == (
        "7",
        True,
        "text/event-stream",
    )


async def test_responses_answer(api: Api) -> None:
    """/v1/responses answers 7."""
    answer = await api.post("/v1/responses", {**RESPONSES, "model": "mesh-tiny-dense"})
    said = answer.json
    assert (said["output"][0]["content"][0]["text"], said["model"], said["status"]) == ("7", MODEL, "completed")


async def test_responses_stream(api: Api) -> None:
    """/v1/responses streams its named events up to response.completed."""
    answer = await api.post("/v1/responses", {**RESPONSES, "model": MODEL, "stream": True})
    seen = events(answer.body)
    text = "".join(e["delta"] for e in seen if e["type"] == "response.output_text.delta")
    assert (text, seen[-1]["type"]) == ("7", "response.completed")


async def test_messages_answer(api: Api) -> None:
    """/v1/messages answers 7 in Anthropic's form."""
    answer = await api.post("/v1/messages?beta=true", {**QUESTION, "model": "mesh-tiny-dense"})
    said = answer.json
    assert (said["type"], said["content"][0]["text"], said["model"]) == ("message", "7", MODEL)


async def test_messages_stream(api: Api) -> None:
    """/v1/messages streams up to message_stop."""
    answer = await api.post("/v1/messages", {**QUESTION, "model": MODEL, "stream": True})
    seen = events(answer.body)
    text = "".join(e["delta"]["text"] for e in seen if e["type"] == "content_block_delta")
    assert (text, seen[-1]["type"]) == ("7", "message_stop")


async def test_tokens_are_counted(api: Api) -> None:
    """/v1/messages/count_tokens counts with the model's own tokenizer."""
    answer = await api.post("/v1/messages/count_tokens", {**QUESTION, "model": MODEL})
    assert answer.json == {"input_tokens": 18}


async def test_completions_answer(api: Api) -> None:
    """/v1/completions continues a text; engine parameters in the body pass through."""
    answer = await api.post("/v1/completions", {"prompt": "One", "max_tokens": 3, "ignore_eos": True, "n_probs": 2})
    said = answer.json
    assert (said["usage"]["completion_tokens"], len(said["choices"][0]["logprobs"]["content"])) == (3, 3)


async def test_tokenizing_there_and_back(api: Api) -> None:
    """/tokenize and /detokenize are each other's inverse."""
    tokens = (await api.post("/tokenize", {"content": "blue sky"})).json["tokens"]
    assert (await api.post("/detokenize", {"tokens": tokens})).json == {"content": "blue sky"}


async def test_the_template_is_applied(api: Api) -> None:
    """/apply-template shows the prompt that a chat becomes."""
    prompt = (await api.post("/apply-template", QUESTION)).json["prompt"]
    assert "What is 3 + 4?" in prompt
    assert prompt != "What is 3 + 4?"


async def test_an_answer_tells_where_it_came_from(api: Api) -> None:
    """Node, model and route stand in the headers, and the client's request id comes back."""
    answer = await api.post("/v1/chat/completions", {**QUESTION, "model": "mesh-tiny-dense"}, X_Request_Id="abc-1")
    shown = {k.lower(): v for k, v in answer.headers.items() if k.lower().startswith("x-")}
    assert shown == {
        "x-request-id": "abc-1",
        "x-meshbox-node": NODE.id,
        "x-meshbox-model": MODEL,
        "x-meshbox-route": "solo; the only model that the short name fits",
    }


@pytest.mark.parametrize("given", ["", "x" * 200, "a b", "ä"])
async def test_an_insane_request_id_is_replaced(api: Api, given: str) -> None:
    """An id that is empty, long or not plain is not taken over."""
    answer = await api.post("/v1/chat/completions", QUESTION, X_Request_Id=given)
    assert answer.headers["X-Request-Id"].startswith("req-")


async def test_a_body_called_by_a_wrong_type_is_taken(api: Api) -> None:
    """`curl -d` calls JSON a form; it is answered all the same."""
    answer = await api.post("/v1/chat/completions", QUESTION, Content_Type="application/x-www-form-urlencoded")
    assert answer.status == 200
