"""LiteLLM and LangChain run unchanged; the clients of OpenAI and Anthropic are tested beside the API."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from appliance.models.types import Ability
from tests.app.proxy.harness import MODEL, TALKS, Engine, ready, running_api, running_engine
from tests.conformance.clients.environment import HERE, clients_python
from tests.conformance.suite import CACHE

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
CLIENTS = ("litellm", "langchain")
WIDTH = 256
TALK_SECONDS = 180.0
QUIET = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LANGSMITH_TRACING": "false", "DO_NOT_TRACK": "1"}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    log = tmp_path_factory.mktemp("engine") / "engine.log"
    with running_engine(log, "--embeddings", "--pooling", "mean") as engine:
        yield engine


@pytest.fixture(scope="module")
def python() -> Path:
    return clients_python(CACHE)


@pytest.fixture(scope="module", params=CLIENTS)
def said(request: pytest.FixtureRequest, engine: Engine, python: Path) -> dict[str, Any]:
    """All that one client was told."""
    answers: dict[str, Any] = asyncio.run(_talk(engine, python, request.param))
    return answers


async def _talk(engine: Engine, python: Path, client: str) -> dict[str, Any]:
    async with running_api() as api, asyncio.timeout(TALK_SECONDS):
        api.serve(ready(engine.endpoint, abilities=TALKS | {Ability.EMBEDDING}))
        return await talk(python, client, api.url)


async def talk(python: Path, client: str, url: str) -> dict[str, Any]:
    """All that a client is told there."""
    process = await asyncio.create_subprocess_exec(
        *(str(python), str(HERE / "talk.py"), client, url, MODEL),
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **QUIET},
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        output, _ = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, f"{client} broke off; its words stand above"
    answers: dict[str, Any] = json.loads(output.splitlines()[-1])
    return answers


def test_chat(said: dict[str, Any]) -> None:
    """Whole, with its reason to end and its tokens."""
    assert said["chat"] == ["7", "stop", 2]


def test_stream(said: dict[str, Any]) -> None:
    """In pieces, with usage at the end."""
    assert said["stream"] == ["7", [2]]


def test_tools(said: dict[str, Any]) -> None:
    """A tool that has to be called is called."""
    assert set(said["tools"]) == {"weather"}


def test_embeddings(said: dict[str, Any]) -> None:
    """One vector for each text, all of one length."""
    assert said["embeddings"] == [WIDTH, WIDTH]


def test_responses(said: dict[str, Any]) -> None:
    """The newer API of OpenAI."""
    assert said["responses"] == "7"


@pytest.mark.parametrize("said", ["litellm"], indirect=True)
def test_litellm_as_a_client_of_anthropic(said: dict[str, Any]) -> None:
    """Messages."""
    assert said["as_anthropic"] == "7"


@pytest.mark.parametrize("said", ["litellm"], indirect=True)
def test_litellm_knows_our_refusal(said: dict[str, Any]) -> None:
    """A model that is not here is its own exception."""
    assert said["refusal"] == 404
