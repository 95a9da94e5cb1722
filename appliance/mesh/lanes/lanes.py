"""Both lanes of a node in one hand: how the rest of the box reaches other boxes.

`reach` gives a stream over TLS, `ask` and `tell` go over QUIC. Each takes the next best way when its own is closed:
TLS where UDP does not pass, and a member that both sides reach where nothing does.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, cast

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.lanes import measure
from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.book import AddressBook
from appliance.mesh.lanes.choice import Measured
from appliance.mesh.lanes.connections import Connections
from appliance.mesh.lanes.contract import Handler, Handlers, Identity, Peer
from appliance.mesh.lanes.dialler import Dialler
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.limits import DEFAULT, Limits
from appliance.mesh.lanes.listener import Listener
from appliance.mesh.lanes.mailbox import Mailbox
from appliance.mesh.lanes.punch import PUNCH, PUNCHED, Punching
from appliance.mesh.lanes.purpose import Measure, Messages, Ping, Purpose
from appliance.mesh.lanes.quic.lane import QuicLane, resolve
from appliance.mesh.lanes.quic.link import Link
from appliance.mesh.lanes.race import STAGGER, AllFailed, Via, Way, Won, race
from appliance.mesh.lanes.relay import MEET, RelayService, RelayUser
from appliance.mesh.lanes.selftest import CHECK, SelfTest
from appliance.mesh.lanes.stream import Stream
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.lanes.visit import Visitor, Voice
from appliance.mesh.lanes.x509 import certificate_of
from appliance.mesh.types import Lane
from appliance.tasks import TaskGroup

DECISIVE = frozenset({Reason.TRUST, Reason.VERSION})  # the box itself said no: no other way changes that
RELAYS_TRIED = 3
LEAD = 1.0  # seconds that direct ways have before a member is asked to help
MEASURED = 8 << 20  # bytes
PAUSE = 2.0  # seconds after a vain try to connect, before the next one


@dataclass(slots=True)
class _Calling:
    """One attempt to connect, shared by all who wait for it."""

    voice: asyncio.Future[Voice]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the box does with connections: handlers of purposes, questions and notes, and what visitors may ask."""

    handlers: Handlers = field(default_factory=dict)
    desk: Desk = field(default_factory=Desk)
    relays: Callable[[str], Sequence[str]] = lambda _: ()  # members that may know a way to that node, best first
    changed: Callable[[str], None] = lambda _: None  # a node came or went


class Lanes:
    def __init__(self, key: Ed25519PrivateKey, identity: Identity, wanted: Wanted, limits: Limits = DEFAULT) -> None:
        certificate = certificate_of(key)
        self.node, self._limits, self._wanted = certificate.node, limits, wanted
        self.book, self.connections = AddressBook(), Connections()
        self.dialler = Dialler(identity, self.connections, limits)
        self.relaying = RelayService(self._ask_directly, limits)
        handlers: dict[str, Handler] = {
            "ping": measure.echo,
            "measure": measure.Giver(),
            "messages": self._messages,
            "relay": self.relaying.relay,
            "meet": self.relaying.meet,
            **wanted.handlers,
        }
        self.listener = Listener(certificate, identity, handlers, self.connections, limits)
        self.relayed = RelayUser(self.direct, self.dialler, self.listener, limits)
        self._desk = Desk(
            {
                MEET: self.relayed.asked_to_come,
                CHECK: self._check,
                PUNCH: self._help_to_punch,
                PUNCHED: self._knock_back,
                **wanted.desk.questions,
            },
            wanted.desk.notes,
            wanted.desk.open_to_visitors,
        )
        self.quic = QuicLane(certificate, identity, self._desk, limits, wanted.changed)
        self.punching = Punching(self._ask_directly, self.quic)
        self.selftest = SelfTest(self.dialler, self.quic, self.ask, lambda node: self.book.entry(node).relayed_by)
        self._mailboxes: dict[str, Mailbox] = {}
        self._calling: dict[str, _Calling] = {}
        self._vain: dict[str, tuple[float, LaneError]] = {}
        self._tasks = TaskGroup()
        self.visit = Visitor(self.quic, self.dialler, limits, self._tasks).visit  # to ask for being let in
        self.port = 0

    async def start(self, hosts: Sequence[str], port: int) -> int:
        """Listens on one port number for both lanes; the port that was taken."""
        self.port = await self.listener.start(hosts, port)
        try:
            await self.quic.start(hosts, self.port)
        except OSError:
            await self.listener.close()
            raise
        return self.port

    async def close(self) -> None:
        await self._tasks.close()
        await self.relayed.close()
        await self.punching.close()
        await self.quic.close()
        self.connections.end_all()
        await self.listener.close()

    def know(self, node: str, addresses: Iterable[Address]) -> None:
        if self.book.know(node, addresses):
            self._vain.pop(node, None)

    def end(self, node: str, why: str) -> None:
        """Ends everything that is open with that node."""
        self.quic.end(node, why)
        self.connections.end(node)

    # Streams:

    async def reach(self, node: str, purpose: Purpose) -> Stream:
        """A stream to that node, relayed when no direct way is found soon."""
        return await self._stream(node, purpose, [Via(each) for each in self._helpers(node)])

    async def direct(self, node: str, purpose: Purpose) -> Stream:
        return await self._stream(node, purpose, [])

    async def _stream(self, node: str, purpose: Purpose, relays: Sequence[Via]) -> Stream:
        refused: list[LaneError] = []

        async def dial(way: Way) -> Stream:
            try:
                if isinstance(way, Address):
                    return await self.dialler.dial(way, node, purpose)
                _raise_first(refused)
                return await self.relayed.through(way.node, node, purpose)
            except LaneError as error:
                refused.extend([error] if error.reason in DECISIVE else [])
                raise LaneError(error.reason, _told(way, error)) from error

        try:
            won = await race([*self.book.ways(node, Lane.TLS), *relays], dial, Stream.abort, self._lead(node))
        except AllFailed as error:
            self.book.failed(node, Lane.TLS, error.failures)
            raise
        self._won(node, Lane.TLS, won)
        return won.result

    def _won(self, node: str, lane: Lane, won: Won[Any]) -> None:
        if isinstance(won.way, Address):
            self.book.worked(node, lane, won.way, won.failures)
            self.book.entry(node).relayed_by = None
        else:
            self.book.failed(node, lane, won.failures)
            self.book.entry(node).relayed_by = won.way.node

    def _lead(self, node: str) -> Callable[[Way], float]:
        """Direct ways have a start, a short one when they led nowhere last time."""
        helped = STAGGER if self.book.entry(node).relayed_by else LEAD
        return lambda way: STAGGER if isinstance(way, Address) else helped

    def _helpers(self, node: str) -> list[str]:
        return [each for each in self._wanted.relays(node) if each not in (node, self.node)][:RELAYS_TRIED]

    # Questions and notes:

    async def ask(self, node: str, kind: str, payload: bytes, seconds: float) -> bytes:
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(seconds):
                voice = await self.voice(node)
        except TimeoutError as error:
            raise LaneError(Reason.LATE, "no connection with that box came about in time") from error
        left = seconds - (asyncio.get_running_loop().time() - began)
        return await voice.ask(kind, payload, max(left, 0.001))

    def tell(self, node: str, kind: str, payload: bytes) -> bool:
        """False when the note is lost: there is no connection yet (one is made), or the path is full."""
        voice = self._open_voice(node)
        if voice is None:
            if not self._in_vain(node):
                self._call(node)
            return False
        with contextlib.suppress(LaneError):
            return voice.tell(kind, payload)
        return False

    async def voice(self, node: str) -> Voice:
        voice = self._open_voice(node)
        if voice is not None:
            return voice
        if (error := self._in_vain(node)) is not None:
            raise LaneError(error.reason, str(error))
        return await asyncio.shield(self._call(node).voice)

    def _open_voice(self, node: str) -> Voice | None:
        link = self.quic.link(node)
        if link is not None and link.over is None:
            return link
        mailbox = self._mailboxes.get(node)
        if mailbox is not None and not mailbox.closed:
            return mailbox
        return None

    def _in_vain(self, node: str) -> LaneError | None:
        at, error = self._vain.get(node, (0.0, None))
        return error if error is not None and asyncio.get_running_loop().time() - at < PAUSE else None

    def _call(self, node: str) -> _Calling:
        calling = self._calling.get(node)
        if calling is None:
            calling = self._calling[node] = _Calling(asyncio.get_running_loop().create_future())
            calling.voice.add_done_callback(_looked_at)
            self._tasks.start(f"call {node}", self._connect(node, calling))
        return calling

    async def _connect(self, node: str, calling: _Calling) -> None:
        try:
            calling.voice.set_result(await self._some_voice(node))
            self._vain.pop(node, None)
        except LaneError as error:
            self._vain[node] = asyncio.get_running_loop().time(), error
            calling.voice.set_exception(error)
        finally:
            calling.voice.cancel()
            self._calling.pop(node, None)

    async def _some_voice(self, node: str) -> Voice:
        """QUIC to an address, else through a way that a member helps to open, else over TLS."""
        helpers = [Via(each) for each in self._helpers(node)]
        posted = Via(node)  # itself: over TLS, on whatever way that finds

        async def dial(way: Way) -> Voice:
            if isinstance(way, Address):
                return await self._dialled(way, node)
            if way == posted:
                return self._posted(await self.reach(node, Messages()))
            address, link = await self.punching.through(way.node, node)
            self.book.worked(node, Lane.QUIC, address)
            return link

        ways: list[Way] = [*self.book.ways(node, Lane.QUIC), *helpers, posted]
        won = await race(ways, dial, _unwanted, lambda way: STAGGER if isinstance(way, Address) else LEAD)
        if isinstance(won.way, Address):
            self.book.worked(node, Lane.QUIC, won.way, won.failures)
        elif won.way == posted:
            self.book.failed(node, Lane.QUIC, won.failures)
        return self.quic.link(node) or won.result

    async def _dialled(self, address: Address, node: str) -> Link:
        found = await resolve(address.host, address.port)
        try:
            return await self.quic.dial(found[0], node)
        except LaneError as error:
            raise LaneError(error.reason, f"{address.udp}: {error}") from error

    async def _link(self, node: str) -> Link:
        async def dial(way: Way) -> Link:
            return await self._dialled(cast("Address", way), node)

        won = await race(self.book.ways(node, Lane.QUIC), dial, _kept)
        return self.quic.link(node) or won.result

    async def _ask_directly(self, node: str, kind: str, payload: bytes, seconds: float) -> bytes:
        """For what must not be relayed itself."""
        voice = self._open_voice(node)
        if isinstance(voice, Mailbox) and voice.stream.relayed_by is not None:
            voice = None
        return await (voice or await self._link(node)).ask(kind, payload, seconds)

    async def _check(self, peer: Peer, payload: bytes) -> bytes:
        return await self.selftest.answer(peer, payload)

    async def _help_to_punch(self, peer: Peer, payload: bytes) -> bytes:
        return await self.punching.help(peer, payload)

    async def _knock_back(self, peer: Peer, payload: bytes) -> bytes:
        return await self.punching.knock_back(peer, payload)

    # Measuring:

    def known(self, node: str) -> Measured:
        """What is known of the ways to that node without asking anybody."""
        link, entry = self.quic.link(node), self.book.entry(node)
        quic_ms = None if link is None else link.rtt.milliseconds
        return replace(entry.measured, quic_ms=quic_ms, relayed_by=entry.relayed_by)

    async def measure(self, node: str, size: int = MEASURED) -> Measured:
        """What the ways to that node give at this moment. Takes seconds and fills the way meanwhile."""
        link = self.quic.link(node)
        if link is not None:
            with contextlib.suppress(LaneError):
                await link.ping()
        try:
            self.book.entry(node).measured = await self._over_tls(node, size)
        except LaneError:
            self.book.entry(node).measured = Measured()
        return self.known(node)

    async def _over_tls(self, node: str, size: int) -> Measured:
        pinging = await self.reach(node, Ping())
        seconds = await measure.round_trip(pinging)
        pinging.close()
        giving = await self.reach(node, Measure(size))
        rate = await measure.rate(giving, size)
        giving.abort()
        return Measured(tls_ms=seconds * 1000, mb_s=rate / 1e6)

    # Messages over TLS:

    async def _messages(self, stream: Stream) -> None:
        """The handler of `Messages`."""
        mailbox = Mailbox(stream, self._desk, self._limits)
        if not stream.peer.visitor:
            self._mailboxes[stream.peer.node] = mailbox
        await self._read(mailbox, stream.peer)

    def _posted(self, stream: Stream) -> Mailbox:
        mailbox = Mailbox(stream, self._desk, self._limits)
        self._mailboxes[stream.peer.node] = mailbox
        self._tasks.start(f"mailbox {stream.peer.node}", self._read(mailbox, stream.peer))
        return mailbox

    async def _read(self, mailbox: Mailbox, peer: Peer) -> None:
        self._wanted.changed(peer.node)
        try:
            with contextlib.suppress(LaneError):
                await mailbox.run()
        finally:
            if self._mailboxes.get(peer.node) is mailbox:
                del self._mailboxes[peer.node]
                self._wanted.changed(peer.node)


def _kept(_: Link) -> None:
    """The lane itself keeps one of two connections with a node."""


def _unwanted(voice: Voice) -> None:
    if isinstance(voice, Mailbox):
        voice.close()


def _raise_first(errors: Sequence[LaneError]) -> None:
    for error in errors:
        raise LaneError(error.reason, str(error))


def _told(way: Way, error: LaneError) -> str:
    return str(error) if isinstance(way, Address) else f"through {way.node}: {error}"


def _looked_at(voice: asyncio.Future[Voice]) -> None:
    if not voice.cancelled():
        voice.exception()
