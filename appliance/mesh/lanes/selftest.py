"""Two boxes find out what passes between them: each tries the other's addresses on both lanes, and tells."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.dialler import Dialler
from appliance.mesh.lanes.purpose import Ping
from appliance.mesh.lanes.quic.lane import QuicLane, resolve
from appliance.mesh.lanes.trouble import LaneError, Reason, reason_of
from appliance.mesh.lanes.verdict import Seen, Tried

CHECK = "check"
MOST = 6  # addresses in one test
SECONDS = 20.0
KNOCK_SECONDS = 1.5

_Host = Annotated[str, Meta(min_length=1, max_length=253)]
_Port = Annotated[int, Meta(ge=1, le=65535)]


class Asked(msgspec.Struct, frozen=True):
    addresses: Annotated[tuple[tuple[_Host, _Port], ...], Meta(max_length=MOST)]


class One(msgspec.Struct, frozen=True):
    """Empty: it works."""

    tcp: Annotated[str, Meta(max_length=32)]
    udp: Annotated[str, Meta(max_length=32)]
    small_udp: bool


class Told(msgspec.Struct, frozen=True):
    results: Annotated[tuple[One, ...], Meta(max_length=MOST)]
    now: int  # milliseconds
    observed: Annotated[str, Meta(max_length=64)] = ""  # where the peer sees us


_asked: Final = msgspec.msgpack.Decoder(Asked)
_told: Final = msgspec.msgpack.Decoder(Told)
_REASONS: Final = {reason.value: reason for reason in Reason}

Ask = Callable[[str, str, bytes, float], Awaitable[bytes]]


class SelfTest:
    def __init__(self, dialler: Dialler, quic: QuicLane, ask: Ask, relayed_by: Callable[[str], str | None]) -> None:
        self._dialler, self._quic, self._ask, self._relayed_by = dialler, quic, ask, relayed_by
        self._busy: set[str] = set()

    async def run(self, node: str, ours: Sequence[Address], theirs: Sequence[Address]) -> Seen:
        """Both directions at once. The peer is asked on whatever way leads there, relayed or not."""
        there = asyncio.gather(*(self.try_address(address, node) for address in theirs[:MOST]))
        try:
            back, skew = await self._asked_back(node, ours[:MOST])
            tried = tuple(await there)
        finally:
            there.cancel()
        return Seen(node, back, tried, skew, self._relayed_by(node))

    async def _asked_back(self, node: str, ours: Sequence[Address]) -> tuple[tuple[Tried, ...], float]:
        asked = msgspec.msgpack.encode(Asked(tuple((each.host, each.port) for each in ours)))
        began = time.time()
        data = await self._ask(node, CHECK, asked, SECONDS)
        try:
            told = _told.decode(data)
        except (msgspec.DecodeError, ValueError) as error:
            raise LaneError(Reason.MALFORMED, "the peer's answer to the test cannot be understood") from error
        back = tuple(
            Tried(address, _reason(one.tcp), _reason(one.udp), one.small_udp)
            for address, one in zip(ours, told.results, strict=False)
        )
        now = told.now / 1000
        skew = 0.0 if began <= now <= time.time() else now - (began + time.time()) / 2
        return back, skew

    async def answer(self, peer: Peer, data: bytes) -> bytes:
        """The answer to the question `check`: the asker's addresses, and only as the asker's, are tried."""
        try:
            asked = _asked.decode(data)
        except (msgspec.DecodeError, ValueError) as error:
            raise LaneError(Reason.MALFORMED, "the question cannot be understood") from error
        if peer.node in self._busy:
            raise LaneError(Reason.BUSY, "a test with that box is running already")
        self._busy.add(peer.node)
        try:
            tried = await asyncio.gather(*(self.try_address(Address(*each), peer.node) for each in asked.addresses))
        finally:
            self._busy.discard(peer.node)
        link = self._quic.link(peer.node)
        told = Told(
            tuple(One(each.tcp or "", each.udp or "", each.small_udp) for each in tried),
            int(time.time() * 1000),
            "" if link is None else link.address[0],
        )
        return msgspec.msgpack.encode(told)

    async def try_address(self, address: Address, node: str) -> Tried:
        tcp, (udp, small) = await asyncio.gather(self._tcp(address, node), self._udp(address, node))
        return Tried(address, tcp, udp, small)

    async def _tcp(self, address: Address, node: str) -> Reason | None:
        try:
            stream = await self._dialler.dial(address, node, Ping())
        except LaneError as error:
            return error.reason
        stream.close()
        return None

    async def _udp(self, address: Address, node: str) -> tuple[Reason | None, bool]:
        try:
            where = (await resolve(address.host, address.port))[0]
            link = await self._quic.dial(where, node, join=True)  # leaves the connection alone that is there
        except LaneError as error:
            if error.reason in (Reason.LATE, Reason.SILENT):
                return Reason.SILENT, await self._quic.endpoint.knock(where, KNOCK_SECONDS, os.urandom(8))
            return reason_of(error), False
        link.hang_up()
        return None, True


def _reason(said: str) -> Reason | None:
    return _REASONS.get(said, Reason.FAILED) if said else None
