"""The live stream of every page."""

from __future__ import annotations

import re
from html import unescape

import pytest

from tests.app.web.harness import Web
from webui.pages import PAGES

PARTIAL = re.compile(r'hx-target="#([^"]+)" hx-swap="outerMorph">(.*?)</hx-partial>', re.DOTALL)
PATHS = [page.NAV.path for page in PAGES if page.NAV is not None]


async def stream_of(web: Web, html: str) -> str:
    """The first event of the stream that a page opens: all its live blocks."""
    found = re.search(r'hx-sse:connect="([^"]+)"', html)
    assert found is not None
    async with web.session.get(web.url + unescape(found[1]), headers=web.headers) as answer:
        assert answer.status == 200
        return (await answer.content.readuntil(b"\n\n")).decode()


@pytest.mark.parametrize("path", [*PATHS, "/no-such-page"])
async def test_every_live_block_has_its_place(web: Web, path: str) -> None:
    """Each block of the stream holds the element it is named after, and so does the loaded page."""
    html = await (await web.call("GET", path, headers={"Accept": "text/html"})).text()
    blocks = re.findall(
        r'hx-target="#([^"]+)" hx-swap="outerMorph">(.*?)</hx-partial>', await stream_of(web, html), re.DOTALL
    )
    assert "repairs_count" in [name for name, _ in blocks]
    for name, block in blocks:
        assert f'id="{name}"' in block
        assert f'id="{name}"' in html or name == "repairs_count"
