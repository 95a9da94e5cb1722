"""Ollama's own client runs unchanged on the port for its programs."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest

from appliance.models.types import Ability
from tests.app.proxy.harness import MODEL, TALKS, ready, running_engine
from tests.app.proxy.ollama_harness import running_ollama
from tests.conformance.clients.environment import HERE, clients_python
from tests.conformance.suite import CACHE
from tests.conformance.test_clients import TALK_SECONDS, WIDTH

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
    with running_engine(
        tmp_path_factory.mktemp("engine") / "engine.log", "--embeddings", "--pooling", "mean"
    ) as engine:
        answers: dict[str, Any] = asyncio.run(
            _talk(ready(engine.endpoint, abilities=TALKS | {Ability.EMBEDDING}), clients_python(CACHE))
        )
    return answers


async def _talk(route: Any, python: Path) -> Any:
    async with running_ollama() as api, asyncio.timeout(TALK_SECONDS):
        api.serve(route)
        process = await asyncio.create_subprocess_exec(
            *(str(python), str(HERE / "talk.py"), "ollama", api.url, MODEL),
            env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/")},
            stdout=asyncio.subprocess.PIPE,
        )
        try:
            output, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        assert process.returncode == 0, "it broke off; its words stand above"
        return json.loads(output.splitlines()[-1])


@pytest.mark.parametrize("what", RIGHT)
def test_it_is_answered_right(said: dict[str, Any], what: str) -> None:
    """Each way of asking."""
    assert said[what] == RIGHT[what]
