"""Boxes that mean harm: strangers, liars, and one that wants everything."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import cast

import pytest

from appliance.mesh.lanes.connections import Connections
from appliance.mesh.lanes.dialler import Dialler
from appliance.mesh.lanes.purpose import Tunnel
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.tunnel.answering import Answering
from appliance.mesh.types import Peer, PeerModel
from appliance.proxy.boxes.words import asking
from appliance.routing.table import on_node
from tests.app.mesh.boxes import Box, running_box, settled, two_boxes
from tests.app.mesh.harness import tls_node
from tests.app.mesh.members import Member
from tests.app.proxy.harness import (
    ENDLESS,
    MODEL,
    QUESTION,
    ROOMY,
    Engine,
    raw_request,
    ready,
    running_engine,
)
from tests.fakes.upstream import answer

CHAT = "/v1/chat/completions"
NAMED = {**QUESTION, "model": MODEL}


async def _ask_raw(asker: Box, path: str, model: str) -> int:
    """As another box asks, whatever the data plane there would ask for."""
    (node,) = asker.reachable
    exchange = await asker.relay.pool.send(on_node(node), path, asking(model, batch=False), b"{}", fresh=True)
    await exchange.head()
    exchange.close()
    return exchange.status


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with running_engine(tmp_path_factory.mktemp("engine") / "engine.log", *ROOMY) as engine:
        yield engine


async def test_other_boxes_ask_for_answers_only(engine: Engine) -> None:
    """Models by their whole name, and nothing of what else the port offers."""
    async with two_boxes(ready(engine.endpoint)) as (asker, _):
        for path, name in (("/v1/models", MODEL), ("/events", MODEL), (CHAT, "mesh-tiny-dense"), (CHAT, "auto")):
            status = await _ask_raw(asker, path, name)
            assert status == 404


async def test_one_box_cannot_take_all(engine: Engine) -> None:
    """So many requests of one box at once and no more; those above are told to come again, or go elsewhere."""
    async with running_box() as asker, running_box(ready(engine.endpoint), most_at_once=1) as server:
        asker.sees(server, MODEL)
        async with raw_request(asker.api, CHAT, {**ENDLESS, "model": MODEL}) as (reader, _):
            await reader.readuntil(b"data: ")
            answer = await asker.api.post(CHAT, NAMED)
        await engine.until_idle()
        await settled(server)
        assert (answer.status, answer.code) == (429, "too_many_requests")
        assert (await asker.api.post(CHAT, NAMED)).status == 200


async def test_strangers_get_not_one_byte(engine: Engine) -> None:
    """Neither a box of no mesh nor one that was removed from this one comes as far as asking."""
    async with two_boxes(ready(engine.endpoint)) as (asker, server):
        visitor = Member()
        visitor.certificate = None
        with pytest.raises(LaneError) as refused:
            await Dialler(visitor.prover(), Connections()).dial(server.lane.address, server.node, Tunnel())
        server.lane.member.removed.add(asker.node)
        answer = await asker.api.post(CHAT, NAMED)
        assert (refused.value.reason, answer.status, answer.code) == (Reason.TRUST, 502, "box_gone")
        assert not server.api.meter.totals()


class _Liar(asyncio.Protocol):
    """Answers a request with what it was told to."""

    def __init__(self, said: bytes) -> None:
        self._said = said

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._transport.write(self._said)
        self._transport.close()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"\x16\x03\x01 this is no HTTP",
        b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 100_000,
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 900\r\n\r\n{}",
        answer(b"<script>alert(1)</script>", content_type="text/html"),
        answer(b'{"error": {"code": "<b>", "message": "no"}}', "401 Unauthorized"),
        answer(b"\xff" * 1000, "500 Oh"),
    ],
    ids=["nothing", "garbage", "endless", "no end", "cut", "page", "refusal", "bytes"],
)
async def test_a_box_that_lies_is_passed_over(engine: Engine, said: bytes) -> None:
    """Another box answers; and where there is none the client gets one clear error of this box."""
    async with (
        running_box() as asker,
        running_box(ready(engine.endpoint)) as honest,
        tls_node({"tunnel": Answering(lambda _: _Liar(said))}) as liar,
    ):
        asker.peers[liar.node] = Peer(liar.node, "liar", rtt_ms=0.0, models=(PeerModel(MODEL, "ready"),))
        asker.reachable[liar.node] = liar
        alone = await asker.api.post(CHAT, NAMED)
        asker.sees(honest, MODEL)
        helped = await asker.api.post(CHAT, NAMED)
    assert alone.status in (500, 502, 503)
    assert alone.headers["Content-Type"] == "application/json"
    assert b"<" not in alone.body
    assert (helped.status, helped.headers["X-Meshbox-Node"]) == (200, honest.node)
