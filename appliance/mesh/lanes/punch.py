"""Two boxes behind routers open a way for each other, helped by a member that sees where both come from.

    asker   --"punch" (target)-->   helper   --"punched" (where the asker is)-->   target
    asker   <--(where the target is)--       target knocks at the asker: its router now lets the asker in
    asker   --QUIC--> target

Works with routers that keep one outer port for a box whoever it talks to, which most do. Where it fails a relay helps.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.candidates import Kind, kind_of
from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.quic.lane import QuicLane
from appliance.mesh.lanes.quic.link import Link
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.tasks import TaskGroup

PUNCH, PUNCHED = "punch", "punched"
SECONDS = 3.0
KNOCKS = (0.0, 0.1, 0.2, 0.4)  # seconds between them: some are lost before the other side has opened
MOST = 8  # boxes that are helped, or knocked at, at once

Ask = Callable[[str, str, bytes, float], Awaitable[bytes]]


class Where(msgspec.Struct, frozen=True):
    host: Annotated[str, Meta(min_length=1, max_length=64)]
    port: Annotated[int, Meta(ge=1, le=65535)]


_where: Final = msgspec.msgpack.Decoder(Where)


class Punching:
    """`ask` may use direct connections only."""

    def __init__(self, ask: Ask, quic: QuicLane) -> None:
        self._ask, self._quic = ask, quic
        self._tasks = TaskGroup()
        self._at_work = 0

    async def close(self) -> None:
        await self._tasks.close()

    async def through(self, helper: str, node: str) -> tuple[Address, Link]:
        """A direct connection with `node`, and where it was found."""
        where = _decoded(await self._ask(helper, PUNCH, node.encode(), SECONDS))
        address = (where.host, where.port)
        self._quic.endpoint.open_way(address, os.urandom(8))
        try:
            async with asyncio.timeout(SECONDS):
                return Address(*address), await self._quic.dial(address, node)
        except TimeoutError as error:
            raise LaneError(Reason.SILENT, f"no way to {node} could be opened") from error

    async def help(self, peer: Peer, payload: bytes) -> bytes:
        """The answer to `punch`: both are told where the other one is, as seen from here."""
        asker, target = self._quic.link(peer.node), self._quic.link(payload[:64].decode(errors="replace"))
        if asker is None or target is None or target.peer is None or asker is target:
            raise LaneError(Reason.UNREACHABLE, "that box is not connected with this one")
        self._take_on()
        try:
            await self._ask(target.peer.node, PUNCHED, _encoded(asker.address), SECONDS)
        finally:
            self._at_work -= 1
        return _encoded(target.address)

    async def knock_back(self, peer: Peer, payload: bytes) -> bytes:  # noqa: ARG002 - whoever helps
        """The answer to `punched`: this box knocks at the asker, so that its own router expects the asker."""
        where = _decoded(payload)
        self._take_on()
        self._tasks.start("knock", self._knock((where.host, where.port)))
        return b""

    async def _knock(self, address: tuple[str, int]) -> None:
        try:
            for pause in KNOCKS:
                await asyncio.sleep(pause)
                self._quic.endpoint.open_way(address, os.urandom(8))
        finally:
            self._at_work -= 1

    def _take_on(self) -> None:
        if self._at_work >= MOST:
            raise LaneError(Reason.BUSY, "too many ways are being opened at the moment")
        self._at_work += 1


def _encoded(address: tuple[str, int]) -> bytes:
    return msgspec.msgpack.encode(Where(address[0], address[1]))


def _decoded(data: bytes) -> Where:
    try:
        where = _where.decode(data)
    except (msgspec.DecodeError, ValueError) as error:
        raise LaneError(Reason.MALFORMED, "where that box is cannot be understood") from error
    if kind_of(where.host) in (Kind.NAMED, Kind.NOWHERE):
        raise LaneError(Reason.MALFORMED, "where that box is cannot be an address")
    return where
