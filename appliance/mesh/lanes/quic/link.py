"""One QUIC connection with one node: both ends prove themselves on its first stream, then either asks and tells.

aioquic knows no back-pressure and few bounds, so they are here: of questions in both directions, of bytes that are not
complete, of bytes that the other end does not take, of the time all this may last.
"""

from __future__ import annotations

import asyncio
import contextlib

from aioquic.quic import events
from aioquic.quic.connection import QuicConnection

from appliance.mesh.lanes import exchange
from appliance.mesh.lanes.contract import Peer
from appliance.mesh.lanes.questions import Questions
from appliance.mesh.lanes.quic import insides
from appliance.mesh.lanes.quic.answering import Answering
from appliance.mesh.lanes.quic.endings import why
from appliance.mesh.lanes.quic.incoming import Incoming
from appliance.mesh.lanes.quic.proving import UNPROVED_BYTES, Proving
from appliance.mesh.lanes.quic.pulse import Pulse
from appliance.mesh.lanes.quic.settings import NOTE_IN_DATAGRAM, Close
from appliance.mesh.lanes.quic.surroundings import SocketAddress, Surroundings
from appliance.mesh.lanes.room import Room
from appliance.mesh.lanes.rtt import Rtt
from appliance.mesh.lanes.trouble import LaneError, Reason

HANDSHAKE_STREAM = 0
DATAGRAMS_WAITING = 64  # above that the path is full, and a note is lost as it may be


class Link:
    def __init__(
        self,
        quic: QuicConnection,
        around: Surroundings,
        address: SocketAddress,
        *,
        dialled: bool,
        expected: str | None = None,
        join: bool = False,
    ) -> None:
        self._quic, self._around, self._dialled_at = quic, around, address
        self.dialled, self._expected, self._join = dialled, expected, join
        self._loop = asyncio.get_running_loop()
        self.began = self._loop.time()
        self.peer: Peer | None = None
        self.over: LaneError | None = None
        self._retiring = False
        self.proof: asyncio.Future[Peer] = self._loop.create_future()
        self.proof.add_done_callback(_looked_at)
        limits = around.limits
        longest = limits.message + exchange.OVERHEAD
        self._incoming = Incoming(longest, limits.buffered)
        self._answers = Incoming(longest, longest * limits.questions)  # as many as were asked for
        self._asked_bytes = 0
        self._room = Room()
        self._answering = Answering(around.desk, limits, around.tasks, self._room, self)
        self._delivered = 0
        self._early: list[tuple[int, bytes]] = []  # whole messages that came before the word that proves their sender
        self._questions = Questions(limits)
        self._pulse = Pulse(self._send_ping)
        self._proving = Proving(around.identity, around.own_der, self._say_in_handshake)
        self._work_due = False
        self._timer: asyncio.Handle | None = None
        self._rings_at = 0.0
        self._deadline = self._loop.call_later(limits.handshake_seconds, self._too_slow)

    @property
    def address(self) -> SocketAddress:
        """Where the other end is seen now."""
        return self._quic.get_peer_address() or self._dialled_at

    # Datagrams and time:

    def connect(self) -> None:
        self._quic.connect(self._dialled_at, self._loop.time())
        self.transmit()

    def received(self, data: bytes, address: SocketAddress) -> None:
        self._pulse.heard_at = now = self._loop.time()
        self._quic.receive_datagram(data, address, now)
        if not self._work_due:  # several datagrams of one moment are answered together
            self._work_due = True
            self._loop.call_soon(self._work)

    def _work(self) -> None:
        self._work_due = False
        while (event := self._quic.next_event()) is not None:
            self._event(event)
        if insides.received(self._quic) - self._delivered > self._around.limits.buffered + UNPROVED_BYTES:
            self.end(Close.ABUSE, LaneError(Reason.BUSY, "it sent more than it let anybody read"))
        self.transmit()
        self._room.moved()

    def transmit(self) -> None:
        for data, address in self._quic.datagrams_to_send(self._loop.time()):
            self._around.send(data, address)
        if self.over is None:
            self._set_timer()
        elif self._timer is not None:
            self._timer.cancel()

    def _set_timer(self) -> None:
        """A timer that rings too early costs less than one that is set anew for each datagram."""
        due = self._quic.get_timer()
        if due is None:
            return
        if self._timer is not None:
            if self._rings_at <= due:
                return
            self._timer.cancel()
        self._rings_at = due
        self._timer = self._loop.call_at(due, self._rings)

    def _rings(self) -> None:
        self._timer = None
        due, now = self._quic.get_timer(), self._loop.time()
        if due is not None and due <= now:
            self._quic.handle_timer(now)
        self._work()

    # Events:

    def _event(self, event: events.QuicEvent) -> None:
        match event:
            case events.StreamDataReceived():
                self._delivered += len(event.data)
                self._data(event.stream_id, event.data, end=event.end_stream)
            case events.DatagramFrameReceived():
                self._datagram(event.data)
            case events.PingAcknowledged():
                self._pulse.answered(event.uid)
            case _:
                self._rare_event(event)

    def _rare_event(self, event: events.QuicEvent) -> None:
        match event:
            case events.HandshakeCompleted() if self.dialled:
                self._begin_proof()
            case events.StreamReset():
                self._collected(event.stream_id).drop(event.stream_id)
                self._questions.failed(event.stream_id, LaneError(Reason.CLOSED, "the peer took its answer back"))
            case events.StopSendingReceived():
                self._answering.nobody_listens(event.stream_id)
            case events.ConnectionIdIssued():
                self._around.named(self, event.connection_id)
            case events.ConnectionIdRetired():
                self._around.unnamed(event.connection_id)
            case events.ConnectionTerminated():
                self._finish(why(event))

    def _data(self, stream: int, data: bytes, *, end: bool) -> None:
        if stream == HANDSHAKE_STREAM:
            self._handshake_data(data)
            return
        if self.peer is None and not self.dialled:
            self.end(Close.REFUSED, LaneError(Reason.TRUST, "it spoke before it proved who it is"))
            return
        collected = self._collected(stream)
        known = stream in collected
        try:
            whole = collected.add(stream, data, end=end)
        except OverflowError:
            self._give_up(stream, LaneError(Reason.BUSY, "the message is longer than may be sent"))
            return
        if whole is not None:
            self._message(stream, whole)
        elif not known and collected.unfinished(stream):
            self._loop.call_later(self._around.limits.stream_seconds, self._unfinished, stream)

    def _unfinished(self, stream: int) -> None:
        if self.over is None and self._collected(stream).unfinished(stream):
            self._collected(stream).give_up(stream)
            self._give_up(stream, LaneError(Reason.LATE, "the message did not come to an end"))
            self.transmit()

    def _give_up(self, stream: int, error: LaneError) -> None:
        self._questions.failed(stream, error)
        with contextlib.suppress(ValueError):  # it is over already
            self._quic.stop_stream(stream, Close.ABUSE)
        if not stream & 2 and not self._ours(stream):
            self._quic.reset_stream(stream, Close.ABUSE)

    def _ours(self, stream: int) -> bool:
        return bool(stream & 1) != self.dialled

    def _collected(self, stream: int) -> Incoming:
        return self._answers if self._ours(stream) else self._incoming

    def _message(self, stream: int, data: bytes) -> None:
        if self._ours(stream):
            self._questions.answered(stream, data)
        elif self.peer is None:
            self._early.append((stream, data))
            if sum(len(each) for _, each in self._early) > UNPROVED_BYTES:
                self.end(Close.ABUSE, LaneError(Reason.TRUST, "it said much before it proved who it is"))
        elif stream & 2:
            self._around.desk.note(self.peer, data)
        else:
            self._answering.asked(stream, data, self.peer)

    def _datagram(self, data: bytes) -> None:
        if self.peer is not None:
            self._around.desk.note(self.peer, data)

    # Proof:

    def _begin_proof(self) -> None:
        try:
            self._proving.begin(self._quic, self._expected, join=self._join)
        except LaneError as error:
            self.end(Close.REFUSED, error)

    def _handshake_data(self, data: bytes) -> None:
        if self.peer is not None:
            return
        try:
            peer = self._proving.received(data)
        except LaneError as error:
            self.transmit()  # the refusal goes out before the close that would overtake it
            self.end(Close.REFUSED, error)
            return
        if peer is not None:
            self._proved(peer)

    def _say_in_handshake(self, data: bytes) -> None:
        self._quic.send_stream_data(HANDSHAKE_STREAM, data)

    def _proved(self, peer: Peer) -> None:
        self.peer = peer
        self._deadline.cancel()
        if not self.proof.done():
            self.proof.set_result(peer)
        self._around.proved(self)
        if self.over is not None:
            return
        self._pulse.beat()
        if self.dialled:  # one end is enough to keep it alive, and it is the one behind the router
            self._pulse.keep(self._around.limits.keep_alive_seconds)
        early, self._early = self._early, []
        for stream, data in early:
            self._message(stream, data)

    def _too_slow(self) -> None:
        self.end(Close.REFUSED, LaneError(Reason.LATE, "the handshake took too long"))
        self.transmit()

    # Questions and notes of this end:

    async def ask(self, kind: str, payload: bytes, seconds: float) -> bytes:
        data = exchange.say(kind, payload, self._around.limits.message)
        try:
            async with asyncio.timeout(seconds), self._questions.turn():
                return exchange.answer_of(await self._question(data))
        except TimeoutError as error:
            self._around.tasks.start("is it alive", self._alive_or_over())
            raise LaneError(Reason.LATE, "the peer did not answer in time") from error

    async def _question(self, data: bytes) -> bytes:
        self._check()
        most = self._around.limits.buffered // 2 - len(data)  # the other end collects only so much of us at once
        await self._room.until(lambda: not self._asked_bytes or self._asked_bytes <= most)
        self._check()
        self._asked_bytes += len(data)
        try:
            return await self._asked_now(data)
        finally:
            self._asked_bytes -= len(data)
            self._room.moved()

    async def _asked_now(self, data: bytes) -> bytes:
        stream = self._quic.get_next_available_stream_id()
        self._quic.send_stream_data(stream, data, end_stream=True)
        answer = self._questions.opened(stream)
        self.transmit()
        try:
            return await answer
        finally:
            self._questions.closed(stream)
            if not answer.done() or answer.cancelled():
                self._stop(stream)

    def _stop(self, stream: int) -> None:
        """Nobody waits for that answer any more."""
        if self.over is None:
            self._answers.give_up(stream)
            with contextlib.suppress(ValueError):  # it is over already
                self._quic.reset_stream(stream, Close.DONE)
                self._quic.stop_stream(stream, Close.DONE)
            self.transmit()

    def tell(self, kind: str, payload: bytes) -> bool:
        """A note, which may get lost. False when it was not even sent, since the path is full."""
        self._check()
        data = exchange.say(kind, payload, self._around.limits.message)
        if len(data) <= NOTE_IN_DATAGRAM and insides.takes_datagrams(self._quic, len(data)):
            if insides.waiting_datagrams(self._quic) >= DATAGRAMS_WAITING:
                return False
            self._quic.send_datagram_frame(data)
        else:
            if not self.takes(len(data)):
                return False
            self._quic.send_stream_data(
                self._quic.get_next_available_stream_id(is_unidirectional=True), data, end_stream=True
            )
        self.transmit()
        return True

    def _check(self) -> None:
        if self.over is not None:
            raise LaneError(Reason.CLOSED, str(self.over))

    # Questions of the other end:

    def takes(self, size: int) -> bool:
        return self.over is not None or insides.unsent(self._quic) + size <= self._around.limits.buffered

    def reply(self, stream: int, answer: bytes) -> None:
        if self.over is None:
            with contextlib.suppress(ValueError):  # the asker took its question back
                self._quic.send_stream_data(stream, answer, end_stream=True)
            self.transmit()

    def take_back(self, stream: int) -> None:
        if self.over is None:
            self._quic.reset_stream(stream, Close.ABUSE)
            self.transmit()

    # Being alive:

    @property
    def rtt(self) -> Rtt:
        return self._pulse.rtt

    async def ping(self) -> float:
        """Seconds there and back."""
        self._check()
        return await self._pulse.ping(self._around.limits.handshake_seconds)

    def _send_ping(self, number: int) -> None:
        self._quic.send_ping(number)
        self.transmit()

    async def _alive_or_over(self) -> None:
        """A box that restarted knows nothing of this connection: it would stay silent until the idle time is over."""
        try:
            await self.ping()
        except LaneError as error:
            self.end(Close.DEAD, error)
            self.transmit()

    # The end:

    @property
    def busy(self) -> bool:
        return bool(self._answering) or bool(self._questions)

    def retire(self) -> None:
        """Another connection with the same node takes over: what is under way comes to its end first."""
        if self.over is not None or self._retiring:
            return
        self._retiring = True
        self._loop.call_later(1.0, self._retired, self._loop.time() + self._around.limits.stream_seconds)

    def _retired(self, latest: float) -> None:
        if self.busy and self._loop.time() < latest:
            self._loop.call_later(1.0, self._retired, latest)
            return
        self.end(Close.DUPLICATE, LaneError(Reason.CLOSED, "another connection took over"))
        self.transmit()

    def hang_up(self) -> None:
        self.end(Close.DONE, LaneError(Reason.CLOSED, "no longer wanted"))
        self.transmit()

    def end(self, code: Close, error: LaneError) -> None:
        """Ends the connection; the other end is told why. The last datagram goes out with the next `transmit`."""
        if self.over is None:
            self._quic.close(error_code=code, reason_phrase=str(error)[:200])
            self._finish(error)

    def _finish(self, error: LaneError) -> None:
        if self.over is not None:
            return
        self.over = error
        self._deadline.cancel()
        if not self.proof.done():
            self.proof.set_exception(error)
        self._questions.all_failed(LaneError(Reason.CLOSED, str(error)))
        self._pulse.stop(error)
        self._answering.stop()
        self._room.moved()
        self._around.ended(self)


def _looked_at(proof: asyncio.Future[Peer]) -> None:
    """Nobody may be waiting for it, which is no error."""
    if not proof.cancelled():
        proof.exception()
