"""A fresh box answers: what a newcomer does in his first minute, through official clients."""

from __future__ import annotations

import json
from collections.abc import Iterator

import anthropic
import openai
import pytest

from tests.live.box import SELF_TEST_MODEL, Box

pytestmark = pytest.mark.live

QUESTION = "What is 3 + 4?"


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    with Box(tmp_path_factory.mktemp("box")) as one:
        one.wait_ready()
        yield one


@pytest.fixture(scope="module")
def client(box: Box) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=box.api_url + "/v1", api_key="none") as one:
        yield one


@pytest.fixture(scope="module")
def claude(box: Box) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=box.api_url, api_key="none") as one:
        yield one


def test_the_bundled_model_is_listed_as_ready(client: openai.OpenAI) -> None:
    """The list says what can be asked right now."""
    listed = {model.id: model.model_dump() for model in client.models.list()}
    assert listed[SELF_TEST_MODEL]["status"] == "ready"


@pytest.mark.parametrize("name", [SELF_TEST_MODEL, "mesh-tiny-dense", "mesh-tiny-dense:latest"])
def test_chat_answers_under_every_name_of_the_model(client: openai.OpenAI, name: str) -> None:
    """Shorthand names mean the same model, and the answer names it in full."""
    answer = client.chat.completions.create(
        model=name, messages=[{"role": "user", "content": QUESTION}], temperature=0, max_tokens=8
    )
    assert answer.choices[0].message.content is not None
    assert "7" in answer.choices[0].message.content
    assert answer.model == SELF_TEST_MODEL


def test_chat_streams(client: openai.OpenAI) -> None:
    """Streamed pieces add up to the answer and end with a reason."""
    pieces = list(
        client.chat.completions.create(
            model=SELF_TEST_MODEL,
            messages=[{"role": "user", "content": QUESTION}],
            temperature=0,
            max_tokens=8,
            stream=True,
        )
    )
    assert "7" in "".join(p.choices[0].delta.content or "" for p in pieces if p.choices)
    assert pieces[-1].choices[0].finish_reason == "stop"


def test_completions_answer(client: openai.OpenAI) -> None:
    """The plain completion endpoint works."""
    answer = client.completions.create(
        model=SELF_TEST_MODEL, prompt="The capital of France is", temperature=0, max_tokens=4
    )
    assert answer.choices[0].text


def test_responses_answer(client: openai.OpenAI) -> None:
    """The Responses API works."""
    answer = client.responses.create(model=SELF_TEST_MODEL, input=QUESTION, temperature=0, max_output_tokens=16)
    assert "7" in answer.output_text


def test_responses_stream(client: openai.OpenAI) -> None:
    """The Responses API streams its typed events to the end."""
    events = list(
        client.responses.create(model=SELF_TEST_MODEL, input=QUESTION, temperature=0, max_output_tokens=16, stream=True)
    )
    assert "7" in "".join(e.delta for e in events if e.type == "response.output_text.delta")
    assert events[-1].type == "response.completed"


def test_messages_answer(claude: anthropic.Anthropic) -> None:
    """The Anthropic API works."""
    answer = claude.messages.create(
        model=SELF_TEST_MODEL,
        max_tokens=16,
        extra_body={"temperature": 0},
        messages=[{"role": "user", "content": QUESTION}],
    )
    assert "7" in "".join(block.text for block in answer.content if block.type == "text")


def test_messages_stream(claude: anthropic.Anthropic) -> None:
    """The Anthropic API streams."""
    with claude.messages.stream(
        model=SELF_TEST_MODEL,
        max_tokens=16,
        extra_body={"temperature": 0},
        messages=[{"role": "user", "content": QUESTION}],
    ) as stream:
        assert "7" in "".join(stream.text_stream)


def test_tokens_are_counted(claude: anthropic.Anthropic) -> None:
    """Agents ask how long a prompt is before they send it."""
    count = claude.messages.count_tokens(model=SELF_TEST_MODEL, messages=[{"role": "user", "content": QUESTION}])
    assert count.input_tokens > 4


def test_an_unknown_model_is_refused_with_the_nearest_name(client: openai.OpenAI) -> None:
    """Never another model's answer."""
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="mesh-tiny-dens", messages=[{"role": "user", "content": QUESTION}])
    assert caught.value.code == "model_not_found"
    assert SELF_TEST_MODEL in str(caught.value)


def test_the_status_shows_the_machine_and_the_right_answer(box: Box) -> None:
    """Hardware and self-test are there for the page."""
    status = box.manage("GET", "/api/status").json
    assert status["node"]["state"] == "serving"
    assert box.entry()["state"] == "ready"
    assert status["issues"] == []


def test_health_and_readiness(box: Box) -> None:
    """Alive and able to answer are two questions."""
    assert (box.get("/healthz").status, box.get("/readyz").status) == (200, 200)


def test_metrics_speak_of_the_box(box: Box) -> None:
    """Prometheus finds requests and models."""
    box.chat(QUESTION)
    text = box.get("/metrics").body.decode()
    assert "meshbox_requests_total" in text
    assert SELF_TEST_MODEL in text


def test_the_commands_know_the_box(box: Box) -> None:
    """The health check of the image, and the inventory for a bug report."""
    assert box.command("healthcheck").returncode == 0
    inventory = json.loads(box.command("inventory", "--json").stdout)
    assert inventory["cpu"]["cores"] >= 1
