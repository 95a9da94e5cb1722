"""The official clients run unchanged."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anthropic
import openai
import pytest

from tests.app.proxy.harness import MODEL, NODE, Api

ASKED = "What is 3 + 4?"
COLD = {"temperature": 0}


@pytest.fixture
async def openai_client(api: Api) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=api.url + "/v1", api_key="none") as client:
        yield client


@pytest.fixture
async def anthropic_client(api: Api) -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with anthropic.AsyncAnthropic(base_url=api.url, api_key="none") as client:
        yield client


async def test_openai_chat(openai_client: openai.AsyncOpenAI) -> None:
    """Chat, whole."""
    said = await openai_client.chat.completions.create(
        model="mesh-tiny-dense", messages=[{"role": "user", "content": ASKED}], temperature=0
    )
    assert (said.choices[0].message.content, said.model) == ("7", MODEL)


async def test_openai_chat_stream(openai_client: openai.AsyncOpenAI) -> None:
    """Chat, streamed, with usage at the end."""
    stream = await openai_client.chat.completions.create(
        model=MODEL,
        messages=[{"role": "user", "content": ASKED}],
        temperature=0,
        stream=True,
        stream_options={"include_usage": True},
    )
    chunks = [chunk async for chunk in stream]
    text = "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices)
    assert (text, [c.usage.completion_tokens for c in chunks if c.usage]) == ("7", [2])


async def test_openai_responses(openai_client: openai.AsyncOpenAI) -> None:
    """Responses, whole."""
    said = await openai_client.responses.create(model=MODEL, input=ASKED, temperature=0)
    assert (said.output_text, said.status) == ("7", "completed")


async def test_openai_responses_stream(openai_client: openai.AsyncOpenAI) -> None:
    """Responses, streamed."""
    stream = await openai_client.responses.create(model=MODEL, input=ASKED, temperature=0, stream=True)
    seen = [event async for event in stream]
    assert ("".join(e.delta for e in seen if e.type == "response.output_text.delta"), seen[-1].type) == (
        "7",
        "response.completed",
    )


async def test_openai_completions(openai_client: openai.AsyncOpenAI) -> None:
    """The old completions."""
    said = await openai_client.completions.create(model=MODEL, prompt="One", max_tokens=2, temperature=0)
    assert (said.object, said.model) == ("text_completion", MODEL)


async def test_openai_models(openai_client: openai.AsyncOpenAI) -> None:
    """The list and one entry, with what Meshbox adds."""
    listed = [model.id async for model in openai_client.models.list()]
    one = (await openai_client.models.retrieve("mesh-tiny-dense")).model_dump()
    assert (listed, one["id"], one["status"], one["context_length"]) == ([MODEL, "auto"], MODEL, "ready", 1024)
    assert (one["meshbox"]["served_by"], one["meshbox"]["modalities"]) == ([NODE.id], ["text"])


async def test_openai_errors(openai_client: openai.AsyncOpenAI) -> None:
    """Our errors become the client's own exceptions, with code and parameter."""
    with pytest.raises(openai.NotFoundError) as raised:
        await openai_client.chat.completions.create(model="nothing", messages=[{"role": "user", "content": "x"}])
    assert (raised.value.code, raised.value.param) == ("model_not_found", "model")


async def test_anthropic_messages(anthropic_client: anthropic.AsyncAnthropic) -> None:
    """Messages, whole."""
    said = await anthropic_client.messages.create(
        model=MODEL, max_tokens=8, extra_body=COLD, messages=[{"role": "user", "content": ASKED}]
    )
    assert (said.content[0].model_dump()["text"], said.model, said.stop_reason) == ("7", MODEL, "end_turn")


async def test_anthropic_stream(anthropic_client: anthropic.AsyncAnthropic) -> None:
    """Messages, streamed."""
    async with anthropic_client.messages.stream(
        model=MODEL, max_tokens=8, extra_body=COLD, messages=[{"role": "user", "content": ASKED}]
    ) as stream:
        text = "".join([piece async for piece in stream.text_stream])
    assert text == "7"


async def test_anthropic_count(anthropic_client: anthropic.AsyncAnthropic) -> None:
    """Tokens are counted."""
    count = await anthropic_client.messages.count_tokens(model=MODEL, messages=[{"role": "user", "content": ASKED}])
    assert count.input_tokens == 18


async def test_anthropic_models(anthropic_client: anthropic.AsyncAnthropic) -> None:
    """The model list reads as Anthropic's too."""
    assert [model.id async for model in anthropic_client.models.list()] == [MODEL, "auto"]


async def test_anthropic_errors(anthropic_client: anthropic.AsyncAnthropic) -> None:
    """Our errors become the client's own exceptions."""
    with pytest.raises(anthropic.NotFoundError, match="No model called 'nothing'"):
        await anthropic_client.messages.create(
            model="nothing", max_tokens=8, messages=[{"role": "user", "content": ASKED}]
        )


@pytest.mark.parametrize(
    "path",
    ["/api/event_logging/batch", "/api/event_logging/v2/batch", "/api/claude_code/metrics", "/v1/logs", "/v1/metrics"],
)
async def test_telemetry_of_agents_is_swallowed(api: Api, path: str) -> None:
    """It gets a cheap answer and nothing else, so that it is not sent for ever."""
    said = await api.post(path, {"events": [{"a": 1}] * 1000})
    assert (said.status, said.json, dict(api.meter.totals())) == (200, {}, {})


async def test_the_health_check_answers(api: Api) -> None:
    """GET and HEAD of /healthz."""
    got, head = await api.get("/healthz"), await api.ask("HEAD", "/healthz")
    assert (got.status, got.json, head.status, head.body) == (200, {"status": "ok"}, 200, b"")
