"""The topology page and its stream, with peers posted as the mesh will post them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from html import unescape

import aiohttp
import pytest

from appliance.mesh.types import Peer, PeerState
from appliance.node.events import PeersReported
from tests.app.web.harness import Web
from tests.peers import HOSTILE_TEXTS, make_links, make_peer, make_peers

HTML = {"Accept": "text/html"}


async def meet(web: Web, peers: tuple[Peer, ...]) -> None:
    """Posts the peers and waits until the box knows them."""
    web.post(PeersReported(peers, make_links(peers)))
    async with asyncio.timeout(10):
        async for outlook in web.loop.watch():
            if set(outlook.snapshot.peers.values()) == set(peers):
                return


async def page(web: Web, query: str = "") -> str:
    answer = await web.call("GET", f"/topology{query}", headers=HTML)
    assert answer.status == 200
    return await answer.text()


@asynccontextmanager
async def stream_of(web: Web, html: str) -> AsyncIterator[aiohttp.StreamReader]:
    """The stream that a loaded page opens."""
    found = re.search(r'hx-sse:connect="([^"]+)"', html)
    assert found is not None
    async with web.session.get(web.url + unescape(found[1]), headers=web.headers) as answer:
        assert answer.status == 200
        yield answer.content


async def next_frame(stream: aiohttp.StreamReader) -> str:
    async with asyncio.timeout(10):
        while (frame := await stream.readuntil(b"\n\n")).startswith(b":"):
            pass
        return frame.decode()


def targets(frame: str) -> list[str]:
    return re.findall(r'hx-target="#([^"]+)"', frame)


@pytest.mark.parametrize("hostile", [False, True])
async def test_the_page_and_its_stream_agree(web: Web, hostile: bool) -> None:
    """For any number of boxes, whatever they call themselves: what is loaded is what the stream sends first."""
    for count in (0, 1, 5, 50, 100):
        await meet(web, make_peers(count, hostile=hostile))
        await agree(web, count)


async def agree(web: Web, count: int) -> None:
    html = await page(web, "?node=node")
    assert html.count('<g class="box') == count + 1
    assert ("This is the only box so far." in html) == (count == 0)
    assert "<script>alert" not in html
    async with stream_of(web, html) as stream:
        frame = await next_frame(stream)
    assert {"summary", "picture", "card", "nodes", "models", "links"} <= set(targets(frame))
    lines = [line.removeprefix("data: ") for line in frame.splitlines()]
    assert "\n".join(lines).count('<g class="box') == count + 1


NOWHERE = ("node=", "node=nobody", "model=%00", "node=%ff%fe", "node=a&node=b", "node=" + "x" * 3000, "node=a&model=b")


async def test_an_address_that_leads_nowhere_says_so(web: Web) -> None:
    """Never an error; the stream of such a page works."""
    for query in NOWHERE:
        html = await page(web, f"?{query}")
        assert "Not here" in html
        async with stream_of(web, html) as stream:
            assert "Not here" in await next_frame(stream)


async def test_hostile_boxes_do_not_break_the_status(web: Web) -> None:
    """The management API tells of them too."""
    await meet(web, make_peers(len(HOSTILE_TEXTS), hostile=True))
    status = await (await web.call("GET", "/api/status")).json()
    assert len(status["peers"]) == len(status["links"]) == len(HOSTILE_TEXTS)


async def test_a_change_reaches_the_page(web: Web) -> None:
    """Only what differs is sent; the card of another box is not among it."""
    peers = make_peers(3)
    await meet(web, peers)
    async with stream_of(web, await page(web, "?node=peer0000")) as stream:
        await next_frame(stream)
        await meet(web, (*peers[:2], replace(peers[2], state=PeerState.SUSPECT)))
        frame = await next_frame(stream)
    assert "silent" in frame
    assert set(targets(frame)) == {"summary", "picture", "nodes"}


async def test_the_card_follows_its_box(web: Web) -> None:
    """Each viewer gets the card of what he chose."""
    (peer,) = make_peers(1)
    await meet(web, (peer,))
    async with stream_of(web, await page(web, "?node=peer0000")) as stream:
        await next_frame(stream)
        await meet(web, (replace(peer, version="0.2.0"),))
        assert "card" in targets(await next_frame(stream))


async def test_strangers_see_nothing(web: Web) -> None:
    """The page sends to the login; the stream is refused, for a login page is no stream."""
    web.headers = {}
    answer = await web.call("GET", "/topology", headers=HTML)
    assert (answer.status, answer.headers["location"]) == (303, "/login?next=/topology")
    assert (await web.call("GET", "/events/topology")).status == 401


async def test_links_that_keep_the_choice(web: Web) -> None:
    """Ids with quotes and blanks stand safely in the page's addresses."""
    await meet(web, (make_peer(0, id="a b\"c'd&e/f#g?h%i"),))
    html = await page(web)
    href = "/topology?node=a%20b%22c%27d%26e%2Ff%23g%3Fh%25i"
    assert f'href="{href}"' in html
    chosen = await page(web, href.removeprefix("/topology"))
    assert '<h2 id="card-title"><bdi>attic</bdi></h2>' in chosen
