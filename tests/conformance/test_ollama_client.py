"""Ollama's own client runs unchanged on the port for its programs."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from appliance.models.types import Ability
from tests.app.proxy.harness import MODEL, TALKS, Engine, ready, running_engine
from tests.app.proxy.ollama_harness import running_ollama
from tests.conformance.clients.environment import clients_python
from tests.conformance.suite import CACHE
from tests.conformance.test_clients import TALK_SECONDS, WIDTH, talk

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]
RIGHT: dict[str, Any] = {
    "models": [[f"{MODEL}:latest", "auto:latest"], [f"{MODEL}:latest"], ["completion", "embedding"]],
    "chat": ["7", "stop", 2],
    "stream": ["7", "stop", 2],
    "generate": ["7", "7"],
    "tools": [[["get_weather", {"city": "Sofia"}]], "The weather in Sofia: rain."],
    "embeddings": [WIDTH] * 3,
    "loading": ["load", "unload"],
    "refusals": [404, 403],
}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """All that it was told."""
    log = tmp_path_factory.mktemp("engine") / "engine.log"
    with running_engine(log, "--embeddings", "--pooling", "mean") as engine:
        return asyncio.run(_talk(engine, clients_python(CACHE)))


async def _talk(engine: Engine, python: Path) -> dict[str, Any]:
    async with running_ollama() as api, asyncio.timeout(TALK_SECONDS):
        api.serve(ready(engine.endpoint, abilities=TALKS | {Ability.EMBEDDING}))
        return await talk(python, "ollama", api.url)


@pytest.mark.parametrize("what", RIGHT)
def test_it_is_answered_right(said: dict[str, Any], what: str) -> None:
    """Each way of asking."""
    assert said[what] == RIGHT[what]
