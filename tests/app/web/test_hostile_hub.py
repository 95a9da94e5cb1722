"""A hub, or whoever answers in its name, may say what it likes: it is shown as text, or refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web as server

from tests.app.web.harness import Web, running_web
from tests.app.web.hostile import TEXTS
from tests.app.web.markup import dangers, text_of
from tests.live.box import free_ports


class BadHub:
    """Answers every question with the worst, in the form that is asked for."""

    def __init__(self) -> None:
        self.text = ""
        self.numbers: Any = 1

    async def answer(self, request: server.Request) -> server.Response:
        return server.Response(body=json.dumps(self._said(request.path)).encode(), content_type="application/json")

    def _said(self, path: str) -> Any:
        text, number = self.text, self.numbers
        gguf = {"total": number, "architecture": text, "context_length": number}
        files = [{"rfilename": f"{text}.gguf", "size": number}, {"rfilename": "a-Q4_K_M.gguf", "size": number}]
        repo = {"id": text or "x", "modelId": text, "downloads": number, "likes": number, "gated": False, "gguf": gguf}
        repo |= {"siblings": files, "sha": "a" * 40, "lastModified": "2026-01-01T00:00:00.000Z", "tags": [text]}
        odd = repo | {"id": f"org/{text}", "gated": text}
        return [repo, odd] if path == "/api/models" else repo


@pytest.fixture
async def hub() -> AsyncIterator[tuple[BadHub, str]]:
    bad, (port,) = BadHub(), free_ports(1)
    app = server.Application()
    app.router.add_route("*", "/{path:.*}", bad.answer)
    runner = server.AppRunner(app)
    await runner.setup()
    await server.TCPSite(runner, "127.0.0.1", port).start()
    yield bad, f"http://127.0.0.1:{port}"
    await runner.cleanup()


@pytest.fixture
async def web(hub: tuple[BadHub, str], tmp_path: Path) -> AsyncIterator[Web]:
    async with running_web(tmp_path, hub=hub[1]) as running:
        await running.claim()
        yield running


@pytest.mark.timeout(180)
async def test_what_the_hub_says_is_shown_as_text(web: Web, hub: tuple[BadHub, str]) -> None:
    """In the search, in the look at one repository, and as JSON."""
    seen = set()
    for text in TEXTS:
        hub[0].text = text
        for asked in ({"q": "anything"}, {"q": "org/repo"}, {"q": "org/repo:Q4_K_M", "sort": "likes"}):
            answer = await web.call("GET", "/models", params=asked, headers={"Accept": "text/html"})
            assert answer.status < 500, text[:60]
            html = await answer.text()
            assert dangers(html) == [], text[:60]
            seen.add(text if text and text in text_of(html) else "")
        for path in ("/api/models/search?q=x", "/api/models/resolve?ref=org/repo"):
            answer = await web.call("GET", path)
            assert answer.status in (200, 404, 409, 422, 502), (text[:60], path)
            json.loads(await answer.text())
    assert "<script>alert(1)</script>" in seen, "nothing of it was shown: this proves nothing"


@pytest.mark.parametrize("number", [-1, 10**400, 1e308, "many", None, [], {}, True])
async def test_numbers_that_are_none_break_nothing(web: Web, hub: tuple[BadHub, str], number: object) -> None:
    """Sizes and counts of any kind."""
    hub[0].text, hub[0].numbers = "org/repo", number
    for path in ("/models?q=anything", "/models?q=org/repo", "/api/models/search?q=x", "/api/models/resolve?ref=a/b"):
        answer = await web.call("GET", path)
        assert answer.status in (200, 404, 409, 422, 502), path
