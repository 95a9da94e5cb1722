"""Nodes with real sockets on loopback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.connections import Connections
from appliance.mesh.lanes.contract import Handlers, Peer
from appliance.mesh.lanes.dialler import Dialler
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.lanes import Lanes, Wanted
from appliance.mesh.lanes.limits import DEFAULT, Limits
from appliance.mesh.lanes.listener import Listener
from appliance.mesh.lanes.purpose import Ping, Purpose
from appliance.mesh.lanes.quic.lane import QuicLane
from appliance.mesh.lanes.quic.link import Link
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.x509 import NodeCertificate, certificate_of
from tests.app.mesh.members import Member

DEADLINE = 20.0
HERE = "127.0.0.1"


async def echo(stream: Stream) -> None:
    while data := await stream.read():
        await stream.write(data)


@dataclass
class TlsNode:
    """The TLS lane of one node."""

    certificate: NodeCertificate
    member: Member
    listener: Listener
    dialler: Dialler
    incoming: Connections
    outgoing: Connections
    address: Address

    @property
    def node(self) -> str:
        return self.certificate.node

    async def dial(self, other: TlsNode, purpose: Purpose | None = None) -> Stream:
        return await self.dialler.dial(other.address, other.node, purpose or Ping())


@asynccontextmanager
async def tls_node(handlers: Handlers | None = None, limits: Limits = DEFAULT) -> AsyncIterator[TlsNode]:
    member = Member()
    certificate = certificate_of(member.key)
    incoming, outgoing = Connections(), Connections()
    listener = Listener(certificate, member.prover(), handlers or {"ping": echo}, incoming, limits)
    port = await listener.start((HERE,), 0)
    dialler = Dialler(member.prover(), outgoing, limits)
    try:
        yield TlsNode(certificate, member, listener, dialler, incoming, outgoing, Address(HERE, port))
    finally:
        incoming.end_all()
        outgoing.end_all()
        await listener.close()


@dataclass
class QuicNode:
    """The QUIC lane of one node."""

    member: Member
    lane: QuicLane
    address: tuple[str, int]

    @property
    def node(self) -> str:
        return self.lane.node

    async def dial(self, other: QuicNode) -> Link:
        return await self.lane.dial(other.address, other.node)


@asynccontextmanager
async def quic_node(desk: Desk | None = None, limits: Limits = DEFAULT) -> AsyncIterator[QuicNode]:
    member = Member()
    desk = desk or Desk({"echo": echo_question})
    lane = QuicLane(certificate_of(member.key), member.prover(), desk, limits)
    port = await lane.start((HERE,), 0)
    try:
        yield QuicNode(member, lane, (HERE, port))
    finally:
        await lane.close()


@dataclass
class Box:
    """Both lanes of one node."""

    member: Member
    lanes: Lanes
    address: Address

    @property
    def node(self) -> str:
        return self.lanes.node

    def knows(self, *others: Box) -> None:
        for other in others:
            self.lanes.know(other.node, [other.address])


@asynccontextmanager
async def box(
    handlers: Handlers | None = None, desk: Desk | None = None, limits: Limits = DEFAULT, relays: Sequence[Box] = ()
) -> AsyncIterator[Box]:
    member = Member()
    wanted = Wanted(
        handlers or {"ping": echo}, desk or Desk({"echo": echo_question}), lambda _: [r.node for r in relays]
    )
    lanes = Lanes(member.key, member.prover(), wanted, limits)
    port = await lanes.start((HERE,), 0)
    try:
        yield Box(member, lanes, Address(HERE, port))
    finally:
        await lanes.close()


async def echo_question(peer: Peer, payload: bytes) -> bytes:
    return payload


async def until(condition: Callable[[], object]) -> None:
    """Waits for what has to become true."""
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110 - conditions of every kind
            await asyncio.sleep(0.005)
