"""Whole data planes that ask each other over the real TLS lane, in one process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from appliance.mesh.lanes.purpose import Purpose
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.tunnel.answering import Answering
from appliance.mesh.tunnel.asking import Asking
from appliance.mesh.types import Peer, PeerModel, PeerState
from appliance.node.peer_routes import with_peers
from appliance.node.snapshot import NodeFacts
from appliance.proxy.app import ApiApp
from appliance.proxy.boxes.door import BoxDoor
from appliance.proxy.pool import Pool
from appliance.proxy.relay import Relay
from appliance.proxy.wire.listener import WireListener
from appliance.routing.table import Route, RoutingTable
from tests.app.mesh.harness import TlsNode, tls_node
from tests.app.proxy.harness import Api, free_port


@dataclass(eq=False, repr=False)
class Box:
    """One box: `api` is how programs see it, and what it serves itself."""

    api: Api
    lane: TlsNode
    asking: Asking
    relay: Relay
    reachable: dict[str, TlsNode]
    peers: dict[str, Peer] = field(default_factory=dict)

    @property
    def node(self) -> str:
        return self.lane.node

    def sees(self, other: Box, *models: str, state: PeerState = PeerState.ALIVE, **fields: Any) -> None:
        """The other box serves those models, as far as this one knows."""
        known = tuple(PeerModel(model, "ready", context=1024, **fields) for model in models)
        self.peers[other.node] = Peer(other.node, f"box {len(self.peers)}", state=state, rtt_ms=1.0, models=known)
        self.reachable[other.node] = other.lane

    def lose(self, other: Box) -> None:
        """As when the other box is found dead, or may not be a member any more."""
        del self.peers[other.node]
        self.lane.incoming.end(other.node)
        self.lane.outgoing.end(other.node)


@asynccontextmanager
async def running_box(*routes: Route, most_at_once: int = 1024) -> AsyncIterator[Box]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=60)) as session:
        api = Api(free_port(), session)
        api.serve(*routes)
        peers: dict[str, Peer] = {}
        reachable: dict[str, TlsNode] = {}

        async def reach(node: str, purpose: Purpose) -> Stream:
            if node not in reachable:
                raise LaneError(Reason.UNREACHABLE, "no way leads there")
            return await box.lane.dial(reachable[node], purpose)

        def facts() -> NodeFacts:
            return NodeFacts(box.node, "0.0.0", "cpu", started_at=1_700_000_000.0, api_port=0, web_port=0)

        asking = Asking(reach)
        deps = replace(api.deps(), node=facts)
        door = BoxDoor(deps, lambda: RoutingTable(api.routes), most_at_once)
        outside = replace(
            deps,
            routes=lambda: with_peers(RoutingTable(api.routes), peers.values(), box.node),
            dial=asking.connect,
        )
        relay = Relay(outside, Pool(dial=asking.connect))
        async with tls_node({"tunnel": Answering(door.protocol)}) as lane:
            box = Box(api, lane, asking, relay, reachable, peers)
            listener = WireListener("the API", ApiApp(outside, relay), "127.0.0.1", api.port)
            door.open()
            await listener.start()
            try:
                yield box
            finally:
                await listener.stop(1)
                await door.close(1)


@asynccontextmanager
async def two_boxes(*routes: Route) -> AsyncIterator[tuple[Box, Box]]:
    """The first serves nothing and knows that the second serves those routes."""
    async with running_box() as asker, running_box(*routes) as server:
        asker.sees(server, *(route.model for route in routes))
        yield asker, server


async def settled(box: Box) -> None:
    """No request is under way any more."""
    async with asyncio.timeout(10):
        while box.api.meter.load().in_flight:  # noqa: ASYNC110 - the meter has no event
            await asyncio.sleep(0.01)
