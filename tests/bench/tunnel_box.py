"""One box of two in a process of its own: `python -m tests.bench.tunnel_box mesh-key port lane-file [engine]`.

With an engine it serves a model, to its own clients and to the other box, and tells in the file where its lane is;
without one it has every request answered by the box that the file tells of.
"""

from __future__ import annotations

import asyncio
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.logs import set_up_logging
from appliance.mesh.identity.anchor import founded
from appliance.mesh.identity.signing import public_of
from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.purpose import Purpose
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.tunnel.answering import Answering
from appliance.mesh.tunnel.asking import Asking, Reach
from appliance.mesh.types import Peer, PeerModel
from appliance.models.types import Ability
from appliance.node.peer_routes import with_peers
from appliance.proxy.app import ProxyDeps, create_api_app
from appliance.proxy.boxes.door import BoxDoor
from appliance.proxy.meter import RequestMeter
from appliance.proxy.wire.listener import WireListener
from appliance.routing.table import Endpoint, Route, RouteState, RoutingTable
from appliance.settings.schema import Settings
from tests.app.mesh import members
from tests.app.mesh.harness import HERE, TlsNode, tls_node
from tests.bench.proxy_plane import MODEL, NODE, Books


def of_one_mesh(seed: str) -> None:
    """Both processes are members of the mesh of this key."""
    members.MESH_KEY = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(seed))
    members.ANCHOR = founded(public_of(members.MESH_KEY))


async def main(port: int, lane_file: Path, engine: int | None) -> None:
    async with AsyncExitStack() as stack:
        if engine is not None:
            table = RoutingTable({MODEL: Route(MODEL, RouteState.READY, frozenset(Ability), endpoint=_engine(engine))})
            deps = _deps(table)
            door = BoxDoor(deps, deps.routes)
            door.open()
            lane = await stack.enter_async_context(tls_node({"tunnel": Answering(door.protocol)}))
            await asyncio.to_thread(lane_file.write_text, f"{lane.node} {lane.address.port}")
        else:
            lane = await stack.enter_async_context(tls_node())
            node, lane_port = (await asyncio.to_thread(lane_file.read_text)).split()
            peer = Peer(node, "box", rtt_ms=0.2, models=(PeerModel(MODEL, "ready"),))
            table = with_peers(RoutingTable(), [peer], "me")
            deps = replace(_deps(table), dial=Asking(_reach(lane, Address(HERE, int(lane_port)))).connect)
        await _serve(deps, port)


def _engine(port: int) -> Endpoint:
    return Endpoint(HERE, port, "key")


def _reach(lane: TlsNode, address: Address) -> Reach:
    async def reach(node: str, purpose: Purpose) -> Stream:
        return await lane.dialler.dial(address, node, purpose)

    return reach


def _deps(table: RoutingTable) -> ProxyDeps:
    settings = Settings()
    return ProxyDeps(
        routes=lambda: table,
        settings=lambda: settings,
        node=lambda: NODE,
        meter=RequestMeter(told=Books().requests_ended, later=asyncio.get_running_loop().call_later),
        stopping=asyncio.Event(),
        wake=lambda _: None,
    )


async def _serve(deps: ProxyDeps, port: int) -> None:
    listener = WireListener("the API", create_api_app(deps), HERE, port)
    await listener.start()
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    await stop.wait()
    await listener.stop(1)


if __name__ == "__main__":
    set_up_logging("console")
    of_one_mesh(sys.argv[1])
    uvloop.run(main(int(sys.argv[2]), Path(sys.argv[3]), int(sys.argv[4]) if len(sys.argv) > 4 else None))
