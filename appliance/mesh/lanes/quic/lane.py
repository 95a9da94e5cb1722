"""The QUIC lane of a node: at most one connection with each other node, whoever dialled it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from appliance.mesh.lanes.connections import REMEMBERED
from appliance.mesh.lanes.contract import Identity
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.limits import DEFAULT, Limits
from appliance.mesh.lanes.quic.endpoint import Endpoint
from appliance.mesh.lanes.quic.link import Link
from appliance.mesh.lanes.quic.settings import Close
from appliance.mesh.lanes.quic.surroundings import SocketAddress
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.lanes.x509 import NodeCertificate

TOGETHER = 5.0  # seconds within which two connections count as dialled at the same time from both ends


class QuicLane:
    """`changed` is told of a node that came or went."""

    def __init__(
        self,
        certificate: NodeCertificate,
        identity: Identity,
        desk: Desk,
        limits: Limits = DEFAULT,
        changed: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.node = certificate.node
        self.endpoint = Endpoint(certificate, identity, desk, limits, self._proved, self._ended)
        self._links: dict[str, Link] = {}
        self._changed = changed
        self._ended_at: dict[str, float] = {}

    async def start(self, hosts: Sequence[str], port: int) -> int:
        return await self.endpoint.start(hosts, port)

    async def close(self) -> None:
        await self.endpoint.close()

    @property
    def nodes(self) -> tuple[str, ...]:
        return tuple(self._links)

    def link(self, node: str) -> Link | None:
        return self._links.get(node)

    async def dial(self, address: SocketAddress, node: str | None, *, join: bool = False) -> Link:
        """The connection with that node, which may be the one that it dialled meanwhile."""
        link = await self.endpoint.dial(address, node, join=join)
        if join or link.peer is None:
            return link
        return self._links.get(link.peer.node, link)

    async def ask(self, node: str, kind: str, payload: bytes, seconds: float) -> bytes:
        return await self._connected(node).ask(kind, payload, seconds)

    def tell(self, node: str, kind: str, payload: bytes) -> bool:
        return self._connected(node).tell(kind, payload)

    def end(self, node: str, why: str, code: Close = Close.REMOVED) -> None:
        """Ends what is open with that node, and tells it why."""
        now = asyncio.get_running_loop().time()
        self._ended_at = {each: at for each, at in self._ended_at.items() if now - at < REMEMBERED}
        self._ended_at[node] = now
        link = self._links.get(node)
        if link is not None:
            link.end(code, LaneError(Reason.CLOSED, why))
            link.transmit()

    def _connected(self, node: str) -> Link:
        link = self._links.get(node)
        if link is None:
            raise LaneError(Reason.CLOSED, "there is no connection with that box")
        return link

    def _proved(self, link: Link) -> None:
        peer = link.peer
        if peer is None or peer.visitor:
            return
        if self._ended_at.get(peer.node, link.began - 1) >= link.began:  # trusted when it was asked, and no more
            link.end(Close.REMOVED, LaneError(Reason.TRUST, "the connections with that box were ended"))
            return
        known = self._links.get(peer.node)
        if known is not None and known.over is None and not self._better(link, known):
            link.retire()
            return
        self._links[peer.node] = link
        if known is not None:
            known.retire()
        self._changed(peer.node)

    def _better(self, new: Link, known: Link) -> bool:
        """Of two that came together the smaller id's stays; a later one means that the old one is dead there."""
        if new.dialled == known.dialled or new.began - known.began > TOGETHER:
            return True
        return new.dialled == (self.node < (new.peer.node if new.peer else ""))

    def _ended(self, link: Link) -> None:
        if link.peer is not None and self._links.get(link.peer.node) is link:
            del self._links[link.peer.node]
            self._changed(link.peer.node)


async def resolve(host: str, port: int) -> tuple[SocketAddress, ...]:
    """Names to numbers, in the order the system prefers."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port)
    except OSError as error:
        raise LaneError(Reason.NAME, f"the name {host} has no address") from error
    return tuple(dict.fromkeys((str(each[4][0]), int(each[4][1])) for each in found))
