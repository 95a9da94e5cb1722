"""The port for Ollama's programs on its real web server, in front of a real engine."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from appliance.models.types import Library
from appliance.proxy.app import ApiApp
from appliance.proxy.gate import OPEN_GATE, Gate
from appliance.proxy.ollama.app import OllamaApp, OllamaDeps
from appliance.proxy.ollama.shelf import Shelf
from appliance.proxy.relay import Relay
from tests.app.proxy.harness import Api, UnderTest, free_port
from tests.builders import make_model
from tests.planes import PLANES


@dataclass
class OllamaApi(Api):
    shelf: Shelf = field(default_factory=lambda: Shelf(Library(models=(make_model(),))))

    async def lines(self, path: str, body: Mapping[str, Any]) -> list[Any]:
        """A stream, line by line."""
        answer = await self.post(path, body)
        assert answer.headers["content-type"] == "application/x-ndjson", answer.body
        return [json.loads(line) for line in answer.body.splitlines()]


@contextlib.asynccontextmanager
async def running_ollama(gate: Gate = OPEN_GATE) -> AsyncIterator[OllamaApi]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=30)) as session:
        api = OllamaApi(free_port(), session, gate=gate)
        deps = api.deps()
        relay = Relay(deps)
        app = OllamaApp(OllamaDeps(deps, lambda: api.shelf, ApiApp(deps, relay), relay))
        listener = PLANES[UnderTest.plane]("the API for Ollama's programs", app, "127.0.0.1", api.port)
        await listener.start()
        try:
            yield api
        finally:
            await listener.stop(2)
            await relay.close()
