"""A conversation with a box of which we are no member: to ask for being let in, and for nothing else."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.dialler import Dialler
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.mailbox import Mailbox
from appliance.mesh.lanes.purpose import Messages
from appliance.mesh.lanes.quic.lane import QuicLane, resolve
from appliance.mesh.lanes.quic.link import Link
from appliance.mesh.lanes.race import Way, race
from appliance.mesh.lanes.rtt import Rtt
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.trouble import LaneError
from appliance.tasks import TaskGroup


class Voice(Protocol):
    """What questions and notes go through."""

    @property
    def rtt(self) -> Rtt: ...

    async def ask(self, kind: str, payload: bytes, seconds: float) -> bytes: ...

    def tell(self, kind: str, payload: bytes) -> bool: ...


@dataclass(frozen=True, slots=True)
class Visit:
    peer: Peer
    voice: Voice
    close: Callable[[], None]


class Visitor:
    def __init__(self, quic: QuicLane, dialler: Dialler, limits: Limits, tasks: TaskGroup) -> None:
        self._quic, self._dialler, self._limits, self._tasks = quic, dialler, limits, tasks

    async def visit(self, addresses: Sequence[Address], node: str | None) -> Visit:
        """Over QUIC, else over TLS. `node` is who has to answer; none for a typed address."""

        async def words(way: Way) -> Link:
            address = cast("Address", way)
            found = await resolve(address.host, address.port)
            return await self._quic.dial(found[0], node, join=True)

        async def letters(way: Way) -> Stream:
            return await self._dialler.dial(cast("Address", way), node, Messages(), join=True)

        with contextlib.suppress(LaneError):
            link = (await race(addresses, words, Link.hang_up)).result
            if link.peer is not None:
                return Visit(link.peer, link, link.hang_up)
        stream = (await race(addresses, letters, Stream.abort)).result
        mailbox = Mailbox(stream, Desk(), self._limits)
        self._tasks.start("visit", _read(mailbox))
        return Visit(stream.peer, mailbox, mailbox.close)


async def _read(mailbox: Mailbox) -> None:
    with contextlib.suppress(LaneError):
        await mailbox.run()
