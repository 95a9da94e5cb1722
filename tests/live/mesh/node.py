"""A process with both lanes that does what its standard input says, a line of JSON at a time, and answers likewise."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

import uvloop
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.identity.anchor import founded
from appliance.mesh.identity.signing import public_of
from appliance.mesh.lanes.address import parse_address
from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.lanes import Lanes, Wanted
from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.mailbox import Mailbox
from appliance.mesh.lanes.purpose import Ping
from appliance.mesh.lanes.quic.link import Link
from appliance.mesh.lanes.trouble import LaneError
from appliance.mesh.lanes.verdict import verdict
from tests.app.mesh import members

PORT = 9338
SECONDS = 30.0


class Node:
    def __init__(self) -> None:
        self._relays: list[str] = []
        member = members.Member()
        wanted = Wanted(desk=Desk({"echo": _echo}), relays=lambda _: self._relays)
        self.lanes = Lanes(member.key, member.prover(), wanted, Limits(handshake_seconds=2.0))

    async def do(self, order: dict[str, Any]) -> object:
        work = getattr(self, f"do_{order.pop('do')}")
        return await work(**order)

    async def do_know(self, node: str, addresses: list[str]) -> None:
        self.lanes.know(node, [parse_address(each) for each in addresses])

    async def do_relays(self, nodes: list[str]) -> None:
        self._relays = nodes

    async def do_ask(self, node: str) -> dict[str, object]:
        answer = await self.lanes.ask(node, "echo", b"hello", SECONDS)
        voice = await self.lanes.voice(node)
        where = voice.address[0] if isinstance(voice, Link) else ""
        relayed = voice.stream.relayed_by if isinstance(voice, Mailbox) else None
        return {"answer": answer.decode(), "lane": type(voice).__name__, "where": where, "relayed": relayed}

    async def do_reach(self, node: str) -> dict[str, object]:
        stream = await self.lanes.reach(node, Ping())
        await stream.write(b"x" * 100_000)
        same = await stream.read_exactly(100_000) == b"x" * 100_000
        stream.close()
        return {"same": same, "relayed": stream.relayed_by}

    async def do_test(self, node: str, ours: list[str], theirs: list[str]) -> list[list[str]]:
        here, there = ([parse_address(each) for each in each_side] for each_side in (ours, theirs))
        seen = await self.lanes.selftest.run(node, here, there)
        return [[finding.code, finding.side, finding.text] for finding in verdict(seen)]


async def _echo(peer: Peer, payload: bytes) -> bytes:
    return payload


async def main() -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(sys.argv[1]))
    members.MESH_KEY, members.ANCHOR = key, founded(public_of(key))
    node = Node()
    await node.lanes.start(("0.0.0.0",), PORT)
    _say(node.lanes.node)
    while line := await asyncio.to_thread(sys.stdin.readline):
        try:
            _say({"done": await node.do(json.loads(line))})
        except LaneError as error:
            _say({"error": error.reason, "text": str(error)})
    await node.lanes.close()


def _say(what: object) -> None:
    sys.stdout.write(json.dumps(what) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    uvloop.run(main())
