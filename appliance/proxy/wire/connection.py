"""One client's connection: what it sends is cut into turns, which are answered one after the other."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import cast

from appliance.proxy import errors
from appliance.proxy.asgi import json_bytes
from appliance.proxy.direct.line import LONGEST_BODY, LongWay, OnItsWay
from appliance.proxy.direct.opening import Opening
from appliance.proxy.endpoints import Shape
from appliance.proxy.errors import ApiError
from appliance.proxy.wire.answer import answer_head
from appliance.proxy.wire.body import body_of
from appliance.proxy.wire.desk import Application, Desk, Lane
from appliance.proxy.wire.head import HEAD_BYTES, Head, check_beginning, parse_head
from appliance.proxy.wire.turn import Turn

log = logging.getLogger("meshbox.wire")

NOWHERE = ("", 0)
END_OF_HEAD = b"\r\n\r\n"


class ClientConnection(asyncio.Protocol):
    __slots__ = (
        "_asked",
        "_desk",
        "_drain",
        "_ended",
        "_errand",
        "_half_closed",
        "_held",
        "_loop",
        "_opening",
        "_reading",
        "_transport",
        "_turn",
        "_waits",
        "address",
        "client",
        "server",
        "writable",
    )

    def __init__(self, desk: Desk, loop: asyncio.AbstractEventLoop) -> None:
        self._desk, self._loop = desk, loop
        self._transport: asyncio.Transport | None = None
        self._held = b""  # received and not yet understood
        self._turn: Turn | None = None
        self._errand: OnItsWay | None = None  # in place of a turn
        self._waits = False  # for the rest of a request
        self._asked = False  # since it was last looked whether it is idle
        self._opening: Opening | None = None  # of the latest request, if it is one that may take the short way
        self._ended = False  # our last word is said
        self._half_closed = False  # the client's last word is said
        self._reading = True
        self._drain: asyncio.Future[None] | None = None
        self.writable = True
        self.client = self.server = NOWHERE
        self.address = ""

    # asyncio.Protocol:

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's transports are of no asyncio class
        self.server = _address(transport.get_extra_info("sockname"))
        self.client = self._client_of(transport)
        self.address = self.client[0]
        try:
            self._desk.admit(self)
        except ApiError as error:
            self.refuse(error)

    def _client_of(self, transport: asyncio.BaseTransport) -> tuple[str, int]:
        return _address(transport.get_extra_info("peername"))

    def data_received(self, data: bytes) -> None:
        if self._ended:  # it may go on sending while it reads our last word
            return
        if self._turn is not None or self._errand is not None:
            self._more(data)
            return
        if self._held:
            data, self._held = self._held + data, b""
        if (opening := self._opening) is not None:
            length, start = opening.around.read(data)
            if length >= 0:
                self._known(opening, length, data, start)
                return
        self._held = data
        self._next()

    def _more(self, data: bytes) -> None:
        """While a request is being answered."""
        if self._turn is not None and not self._turn.body.complete:
            self._feed(self._turn, data)
            return
        self._held += data
        if len(self._held) > HEAD_BYTES:
            self.hold_reading()

    def eof_received(self) -> bool:
        """A client that sends no more is told to the application as gone; what is quick is still answered."""
        self._half_closed = True
        if self in self._desk.bodies:
            self._begin_late()
        if self._errand is not None:
            self._leave_errand()
            self.abort()
        if self._turn is None or self._ended:
            return False
        self._turn.client_left()
        return True

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        if self in self._desk.bodies:
            self._begin_late()
        self._ended = True
        self._transport = None
        self._desk.dismiss(self)
        self._release_drain()
        self._leave_errand()
        if self._turn is not None:
            turn, self._turn = self._turn, None
            turn.connection_lost()

    def pause_writing(self) -> None:
        self.writable = False
        self._desk.stalled.enter(self, self._loop.time())
        if self._turn is not None:
            self._turn.hold()

    def resume_writing(self) -> None:
        self.writable = True
        self._desk.stalled.leave(self)
        self._release_drain()
        if self._turn is not None:
            self._turn.go_on()

    # Cutting into turns:

    def _next(self) -> None:
        held = self._held[2:] if self._held.startswith(b"\r\n") else self._held  # some send one line end too many
        end = held.find(END_OF_HEAD)
        try:
            if end < 0:
                self._wait_for_head(held)
            else:
                self._read(held, end)
        except ApiError as error:
            self.refuse(error)

    def _read(self, held: bytes, end: int) -> None:
        """A whole head that is another than that of the request before."""
        text = held[: end + 2]
        head, direct = parse_head(text), self._desk.direct
        self._opening = None if direct is None else direct.opening(head, text)
        if self._opening is None:
            self._begin(head, held[end + 4 :])
        else:
            self._known(self._opening, head.length, held, end + 4)

    def _known(self, opening: Opening, length: int, data: bytes, start: int) -> None:
        """The short way for a request that is here whole; a short one is waited for, as programs send head and body
        apart."""
        direct, body = self._desk.direct, data[start:]
        if len(body) == length and self.writable and direct is not None:
            self._held = b""
            self._stop_waiting()
            errand = direct.send(self, opening, body)
            if errand is not None:
                if self._turn is None:  # else it needed the long way at once
                    self._errand = errand
                return
        elif len(body) < length <= LONGEST_BODY:
            self._held = data
            self._wait_for_body()
            return
        self._begin(opening.head_with(length), body)

    def _wait_for_body(self) -> None:
        self._desk.heads.leave(self)
        self._desk.bodies.enter(self, self._loop.time())
        self._waits = True

    def _stop_waiting(self) -> None:
        """It goes on; who waits for nothing but the next request stays in that lane, and is busy when it is called."""
        self._asked = True
        if self._waits:
            self._waits = False
            self._desk.heads.leave(self)
            self._desk.bodies.leave(self)

    def _begin_late(self) -> None:
        """The body takes its time."""
        held = self._held
        end = held.find(END_OF_HEAD)
        self._begin(parse_head(held[: end + 2]), held[end + 4 :])

    def _leave_errand(self) -> None:
        if self._errand is not None:
            errand, self._errand = self._errand, None
            errand.client_left()

    def _wait_for_head(self, begun: bytes) -> None:
        now = self._loop.time()
        if not begun:
            self._desk.idle.enter(self, now)
            return
        check_beginning(begun)
        self._waits = True
        self._desk.heads.enter(self, now)

    def _begin(self, head: Head, rest: bytes) -> None:
        desk, self._held = self._desk, b""
        desk.idle.leave(self)
        self._stop_waiting()
        turn = self._turn = Turn(self, head, body_of(head.length), self._loop)
        if desk.parting:
            turn.keep_alive = False
        self.read_on()
        self._feed(turn, rest)
        if self._turn is turn:
            desk.tasks.start("request", self._answer(turn, desk.app))

    def _feed(self, turn: Turn, data: bytes) -> None:
        if data:
            try:
                turn.body_arrived(data)
            except ApiError as error:
                self.refuse(error)
                return
        if turn.body.complete:
            self._held, turn.body.rest = turn.body.rest, b""
            self._desk.uploading.discard(self)
        else:
            self._desk.uploading.add(self)

    async def _answer(self, turn: Turn, app: Application) -> None:
        try:
            await app(turn.scope(), turn.receive, turn.send)
        except Exception:  # the border of a request: it ends, the box goes on
            log.exception("a request failed")
            if not turn.begun and self._turn is turn:
                self.refuse(errors.internal_error())
        finally:
            turn.over()
        if not turn.ended and self._turn is turn:
            self.abort()  # so that a client sees that its answer is not whole

    # What a request on the short way asks for:

    @property
    def closing(self) -> bool:
        return self._desk.parting

    def answered(self, answer: bytes) -> None:
        self._errand = None
        if self._transport is not None:
            self._transport.write(answer)
        if self._held or not self._reading or self._desk.parting:
            self._free(keep_alive=True)

    def go_on(self, opening: Opening, length: int, way: LongWay) -> None:
        self._errand = None
        self._desk.idle.leave(self)
        turn = self._turn = Turn(self, opening.head_with(length), body_of(0), self._loop)
        turn.keep_alive = not self._desk.parting
        self._desk.tasks.start("request", self._answer(turn, way))

    # What a turn asks for:

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def writer(self) -> Callable[[bytes], None] | None:
        """The same without a call of ours, for as long as the client is there."""
        return None if self._transport is None else self._transport.write

    async def drained(self) -> None:
        while not self.writable and not self._ended:
            if self._drain is None:
                self._drain = self._loop.create_future()
            await asyncio.shield(self._drain)

    def _release_drain(self) -> None:
        if self._drain is not None:
            drain, self._drain = self._drain, None
            drain.set_result(None)

    def hold_reading(self) -> None:
        if self._reading and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()

    def read_on(self) -> None:
        if not self._reading and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()

    def turn_ended(self, *, keep_alive: bool) -> None:
        self._turn = None
        self._free(keep_alive=keep_alive)

    def _free(self, *, keep_alive: bool) -> None:
        """For the next request."""
        if not keep_alive or self._desk.parting:
            self._say_goodbye()
            return
        self._desk.idle.enter(self, self._loop.time())
        self.read_on()
        if self._held:
            self._next()

    # What the desk asks for:

    def refuse(self, error: ApiError) -> None:
        """Says why, and ends the connection: what comes after a broken request cannot be understood."""
        tellable = True
        if self._turn is not None:
            turn, self._turn = self._turn, None
            tellable = turn.cut_short()
        if not tellable:
            self.abort()
            return
        body = json_bytes(error.body(Shape.OPENAI))
        fields = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body)), *error.headers]
        self.write(answer_head(error.status, fields, None)[0] + body)
        self._say_goodbye()

    def _say_goodbye(self) -> None:
        """Ends our side and waits a moment for the client's: a cut now could take our last word from it."""
        self._ended, self._held = True, b""
        desk = self._desk
        desk.heads.leave(self)
        desk.idle.leave(self)
        desk.bodies.leave(self)
        desk.uploading.discard(self)
        desk.lingering.enter(self, self._loop.time())
        self.read_on()
        if self._transport is None or self._transport.is_closing():
            return
        if self._half_closed or not self._transport.can_write_eof():
            self._transport.close()
        else:
            self._transport.write_eof()

    def out_of_time(self, lane: Lane) -> None:
        if lane is self._desk.heads:
            self.refuse(ApiError(408, "request_timeout", "The head of this request did not come in time."))
        elif lane is self._desk.bodies:
            self._begin_late()
        elif lane is self._desk.idle and (self._asked or self._waits or self._errand is not None):
            self._asked = False
            self._desk.idle.enter(self, self._loop.time())
        elif lane is self._desk.lingering and self._unsent():
            self._desk.idle.enter(self, self._loop.time())  # a slow reader gets a while longer
        else:
            self.abort()

    def _unsent(self) -> bool:
        return self._transport is not None and self._transport.get_write_buffer_size() > 0

    def too_slow(self, now: float) -> bool:
        limits, turn = self._desk.limits, self._turn
        if turn is None or not self._reading:
            return False
        late = now - turn.begun_at - limits.body_seconds
        return late > 0 and turn.received < late * limits.body_bytes_per_second

    def wind_down(self) -> None:
        """The box ends: an idle connection goes now, a busy one after its answer."""
        if self in self._desk.bodies:
            self._begin_late()
        if self._turn is not None:
            self._turn.keep_alive = False
        elif self._errand is None and not self._ended and self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        self._ended = True
        if self._transport is not None:
            self._transport.abort()


def _address(name: object) -> tuple[str, int]:
    """Host and port, of IPv4 and IPv6; an IPv4 client that comes over IPv6 is called by its IPv4 name."""
    if not isinstance(name, tuple) or len(name) < 2:
        return NOWHERE
    return str(name[0]).removeprefix("::ffff:"), int(name[1])
