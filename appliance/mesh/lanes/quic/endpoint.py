"""One UDP socket a family for all QUIC connections, dialled and accepted: others always see the same port."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from typing import cast

from aioquic._buffer import Buffer
from aioquic.quic.connection import QuicConnection
from aioquic.quic.packet import QuicPacketType, encode_quic_version_negotiation, pull_quic_header

from appliance.mesh.lanes.contract import Identity
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.limits import Limits
from appliance.mesh.lanes.quic.link import Link
from appliance.mesh.lanes.quic.settings import DATAGRAM, Close, client_settings, server_settings
from appliance.mesh.lanes.quic.surroundings import SocketAddress, Surroundings
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.lanes.x509 import NodeCertificate
from appliance.tasks import TaskGroup

CID = 8
KNOCK, KNOCKED = b"mbx?", b"mbx!"  # a small datagram that is answered by one of the same size: nothing to amplify
KNOCK_BYTES = 12
RECEIVE_BUFFER = 1 << 20


class Endpoint:
    def __init__(
        self,
        certificate: NodeCertificate,
        identity: Identity,
        desk: Desk,
        limits: Limits,
        proved: Callable[[Link], None],
        ended: Callable[[Link], None],
    ) -> None:
        self._serving, self._dialling = server_settings(certificate, limits), client_settings(limits)
        self._limits, self._proved, self._ended = limits, proved, ended
        self._tasks = TaskGroup()
        self._transports: dict[socket.AddressFamily, asyncio.DatagramTransport] = {}
        self._links: dict[bytes, Link] = {}  # by connection id
        self._all: set[Link] = set()
        self._visitors: set[Link] = set()
        self._shaking: Counter[str] = Counter()
        self._unproved: dict[Link, str] = {}  # accepted, by the address that is counted for them
        self._knocks: dict[bytes, asyncio.Future[SocketAddress]] = {}
        self._around = Surroundings(
            identity, certificate.der, desk, limits, self._tasks,
            self._send, self._name, self._unname, self._link_proved, self._link_ended,
        )  # fmt: skip

    @property
    def links(self) -> int:
        return len(self._all)

    async def start(self, hosts: Sequence[str], port: int) -> int:
        """The port that was taken: the same for every host."""
        loop = asyncio.get_running_loop()
        for host in hosts:
            bound = _bound(host, port)
            transport, _ = await loop.create_datagram_endpoint(lambda: _Socket(self), sock=bound)
            self._transports[bound.family] = transport
            port = int(bound.getsockname()[1])
        return port

    async def close(self) -> None:
        for link in list(self._all):
            link.end(Close.LEAVING, LaneError(Reason.CLOSED, "this box is going away"))
            link.transmit()
        await self._tasks.close()
        for transport in self._transports.values():
            transport.close()
        self._transports.clear()

    # Dialling:

    async def dial(self, address: SocketAddress, expected: str | None, *, join: bool = False) -> Link:
        """A connection on which both ends are proved. `address` is a number, not a name."""
        if _family(address[0]) not in self._transports:
            raise LaneError(Reason.UNREACHABLE, "this box has no way to addresses of that kind")
        quic = QuicConnection(configuration=self._dialling)
        link = Link(quic, self._around, _whole(address), dialled=True, expected=expected, join=join)
        self._all.add(link)
        self._name(link, quic.host_cid)
        link.connect()
        try:
            await asyncio.shield(link.proof)
        except asyncio.CancelledError:
            link.hang_up()
            raise
        return link

    async def knock(self, address: SocketAddress, seconds: float, token: bytes) -> bool:
        """Whether small datagrams get there and back, whatever becomes of large ones."""
        self._knocks[token] = answer = asyncio.get_running_loop().create_future()
        try:
            self._send(KNOCK + token, _whole(address))
            async with asyncio.timeout(seconds):
                await answer
        except TimeoutError:
            return False
        finally:
            self._knocks.pop(token, None)
        return True

    def open_way(self, address: SocketAddress, token: bytes) -> None:
        """Lets answers from there through whatever stands before this box."""
        self._send(KNOCK + token, _whole(address))

    # Datagrams:

    def received(self, data: bytes, address: SocketAddress) -> None:
        if len(data) == KNOCK_BYTES and data[:4] in (KNOCK, KNOCKED):
            self._knocked(data, address)
            return
        try:
            header = pull_quic_header(Buffer(data=data), host_cid_length=CID)
        except ValueError:
            return
        link = self._links.get(header.destination_cid)
        if link is None and header.packet_type is not QuicPacketType.VERSION_NEGOTIATION:
            if header.version is not None and header.version not in self._serving.supported_versions:
                self._negotiate(data, header.source_cid, header.destination_cid, address)
                return
            if header.packet_type is QuicPacketType.INITIAL and len(data) >= DATAGRAM:
                link = self._accept(header.destination_cid, address)
        if link is not None:
            link.received(data, address)

    def _knocked(self, data: bytes, address: SocketAddress) -> None:
        if data[:4] == KNOCK:
            self._send(KNOCKED + data[4:], address)
        elif (waiting := self._knocks.get(data[4:])) is not None and not waiting.done():
            waiting.set_result(address)

    def _negotiate(self, data: bytes, source: bytes, destination: bytes, address: SocketAddress) -> None:
        if len(data) >= DATAGRAM:  # a small one could be answered with more than it cost
            known = self._serving.supported_versions
            answer = encode_quic_version_negotiation(
                source_cid=destination, destination_cid=source, supported_versions=known
            )
            self._send(answer, address)

    def _accept(self, destination: bytes, address: SocketAddress) -> Link | None:
        host = address[0]
        limits = self._limits
        full = self._shaking.total() >= limits.handshakes or self._shaking[host] >= limits.handshakes_per_address
        if full or len(self._all) >= limits.quic_connections:
            return None  # silently: a refusal would cost as much as it saves
        quic = QuicConnection(configuration=self._serving, original_destination_connection_id=destination)
        link = Link(quic, self._around, address, dialled=False)
        self._all.add(link)
        self._unproved[link] = host
        self._shaking[host] += 1
        self._name(link, destination)
        self._name(link, quic.host_cid)
        return link

    def _send(self, data: bytes, address: SocketAddress) -> None:
        transport = self._transports.get(_family(address[0]))
        if transport is not None and not transport.is_closing():
            with contextlib.suppress(OSError):  # no way there at the moment: QUIC tries again
                transport.sendto(data, address)

    # What becomes of links:

    def _name(self, link: Link, cid: bytes) -> None:
        self._links[cid] = link

    def _unname(self, cid: bytes) -> None:
        self._links.pop(cid, None)

    def _link_proved(self, link: Link) -> None:
        self._no_longer_shaking(link)
        if link.peer is not None and link.peer.visitor and not link.dialled:
            self._visited(link)
        self._proved(link)

    def _visited(self, link: Link) -> None:
        if len(self._visitors) >= self._limits.visitors:
            link.end(Close.REFUSED, LaneError(Reason.BUSY, "too many boxes are asking to join at the moment"))
            return
        self._visitors.add(link)
        asyncio.get_running_loop().call_later(self._limits.visitor_seconds, link.hang_up)

    def _link_ended(self, link: Link) -> None:
        self._no_longer_shaking(link)
        self._visitors.discard(link)
        if link in self._all:
            self._all.discard(link)
            for cid in [cid for cid, each in self._links.items() if each is link]:
                del self._links[cid]
            self._ended(link)

    def _no_longer_shaking(self, link: Link) -> None:
        host = self._unproved.pop(link, None)
        if host is not None:
            self._shaking -= Counter((host,))


class _Socket(asyncio.DatagramProtocol):
    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._endpoint.received(data, addr)


def _bound(host: str, port: int) -> socket.socket:
    family = _family(host)
    bound = socket.socket(family, socket.SOCK_DGRAM)
    try:
        bound.settimeout(0)
        if family == socket.AF_INET6:
            bound.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _whole(address: SocketAddress) -> SocketAddress:
    """As the socket will name it when it answers: aioquic compares the two."""
    if ":" in address[0] and len(address) == 2:
        return cast("SocketAddress", (*address, 0, 0))
    return address
