"""The catalogue over HTTP: as a document, as names that can be fetched, and on the page."""

from __future__ import annotations

import json
from typing import Any

import pytest

from appliance.models.catalog import CATALOG
from tests.app.web.harness import Web

HTML = {"Accept": "text/html"}


async def listed(web: Web, query: str) -> list[dict[str, Any]]:
    answer = await web.call("GET", f"/api/models/catalog{query}")
    assert answer.status == 200
    models: list[dict[str, Any]] = json.loads(await answer.text())["models"]
    return models


async def test_the_catalogue_says_what_fits(web: Web) -> None:
    """Each entry with the form that suits the box, and why."""
    models = await listed(web, "")
    assert len(models) == len(CATALOG)
    tiny = next(model for model in models if model["name"] == "qwen3-0.6b")
    assert (tiny["fit"]["fits"], tiny["suggested"]["ref"]) == (True, "Qwen/Qwen3-0.6B-GGUF:Q8_0")
    large = next(model for model in models if model["name"] == "gpt-oss-120b")
    assert (large["fit"]["code"], large["moe"]) == ("too_big", True)


async def test_the_catalogue_is_searched_by_words_and_ability(web: Web) -> None:
    """Both together when both are given."""
    assert [model["name"] for model in await listed(web, "?q=gemma%203%204b%20it")] == ["gemma-3-4b"]
    assert all("vision" in model["abilities"] for model in await listed(web, "?ability=vision"))
    assert await listed(web, "?q=qwen3-8b&ability=audio") == []


@pytest.mark.parametrize("query", ["?ability=flying", f"?q={'x' * 200}"])
async def test_a_catalogue_search_that_is_none_is_told(web: Web, query: str) -> None:
    """As wrong fields."""
    assert (await web.call("GET", f"/api/models/catalog{query}")).status == 422


async def test_a_name_of_the_catalogue_can_be_fetched(web: Web) -> None:
    """It is taken for the repository of its entry."""
    answer = await web.call("POST", "/api/models", json={"ref": "qwen3 8b"})
    assert answer.status == 202
    assert "Qwen3-8B" in await answer.text() or "qwen3 8b" in await answer.text()


async def test_a_name_that_is_nearly_right_is_told_the_right_one(web: Web) -> None:
    """Nothing is fetched by guessing."""
    answer = await web.call("POST", "/api/models", json={"ref": "qwen3-8bb"})
    assert answer.status == 422
    assert "qwen3-8b" in json.loads(await answer.text())["detail"].partition("Did you mean")[2]


async def test_the_page_recommends_and_lists_by_kind(web: Web) -> None:
    """Without a script: forms and links."""
    page = await (await web.call("GET", "/models", headers=HTML)).text()
    assert "Recommended for this box" in page
    assert 'href="/models?ability=vision#catalog"' in page
    assert "BGE Reranker" not in page
    ordering = await (await web.call("GET", "/models?ability=rerank", headers=HTML)).text()
    assert "BGE Reranker v2 M3" in ordering
    assert 'value="gpustack/bge-reranker-v2-m3-GGUF:Q8_0"' in ordering


async def test_a_search_shows_the_catalogue_beside_the_hub(web: Web) -> None:
    """Even when the hub cannot be reached."""
    page = await (await web.call("GET", "/models?q=qwen3+coder", headers=HTML)).text()
    assert "In the catalogue" in page
    assert "/models?q=qwen3-coder-next#add" in page


async def test_the_set_up_recommends_too(web: Web) -> None:
    """With buttons that come back to the step."""
    page = await (await web.call("GET", "/setup/model", headers=HTML)).text()
    assert "Recommended for this box" in page
    assert 'value="/setup/model"><button>Fetch ' in page


async def test_a_name_is_looked_up_on_the_hub(web: Web) -> None:
    """When the hub cannot be reached, the page says so; it does not fail."""
    answer = await web.call("GET", "/models?q=qwen3+8b", headers=HTML)
    assert answer.status == 200
    assert "could not be reached" in await answer.text()
