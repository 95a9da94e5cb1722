"""Embeddings, from an engine that was told to give them beside its chat."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from math import isclose

import openai
import pytest

from appliance.models.types import Ability
from tests.app.proxy.harness import MODEL, QUESTION, TALKS, Api, Engine, ready, running_api, running_engine


@pytest.fixture(scope="module")
def embedder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    log = tmp_path_factory.mktemp("embedder") / "engine.log"
    with running_engine(log, "--embeddings", "--pooling", "mean") as engine:
        yield engine


@pytest.fixture
async def api(embedder: Engine) -> AsyncIterator[Api]:
    async with running_api() as api:
        api.serve(ready(embedder.endpoint, abilities=TALKS | {Ability.EMBEDDING}))
        yield api


async def test_embeddings_come_as_vectors(api: Api) -> None:
    """The official client gets normalised vectors, and the answer names the real model."""
    async with openai.AsyncOpenAI(base_url=api.url + "/v1", api_key="none") as client:
        said = await client.embeddings.create(model="mesh-tiny-dense", input=["blue sky", "fish"])
    lengths = [sum(x * x for x in entry.embedding) for entry in said.data]
    assert (said.model, [isclose(n, 1, abs_tol=1e-3) for n in lengths]) == (MODEL, [True, True])


async def test_the_same_engine_still_chats(api: Api) -> None:
    """Giving embeddings costs the model nothing of its chat."""
    said = await api.post("/v1/chat/completions", QUESTION)
    assert said.json["choices"][0]["message"]["content"] == "7"
