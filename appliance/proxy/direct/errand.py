"""One request on the short way: it waits for its answer, and goes on on the long way when that is not a plain one."""

from __future__ import annotations

import logging
from functools import partial
from typing import TYPE_CHECKING

from appliance.proxy.direct.course import Course
from appliance.proxy.direct.heading import heading_of
from appliance.proxy.direct.line import Line
from appliance.proxy.direct.opening import Opening
from appliance.proxy.forward import CLIENT_GONE, WHOLE_ANSWER, Call
from appliance.proxy.own import lines_each_time
from appliance.proxy.relay import Begun, Resumed
from appliance.proxy.upstream import Connection
from appliance.proxy.usage import TAIL
from appliance.proxy.wire.answer import CLOSING, DATE, status_line

if TYPE_CHECKING:
    from appliance.proxy.direct.way import DirectWay

log = logging.getLogger("meshbox.proxy")

HTTP_OK = 200
_OK_LINE = status_line(HTTP_OK)


class Errand:
    __slots__ = ("_call", "_connection", "_course", "_left", "_line", "_opening", "_pieces", "_start", "_way")

    def __init__(self, way: DirectWay, line: Line, opening: Opening, call: Call) -> None:
        self._way, self._line, self._opening, self._call = way, line, opening, call
        self._connection: Connection | None = None
        self._pieces: list[bytes] | None = None  # of an answer that is not whole yet
        self._left = self._start = 0  # bytes of it that are to come; where its body begins

    def start(self, connection: Connection, course: Course) -> None:
        call = self._call
        self._connection, self._course = connection, course
        call.asked = call.ticket.waiting = True
        body = call.peeked.naming(call.body, course.route.model)
        request = b"%bContent-Length: %d\r\nContent-Type: application/json\r\nX-Request-Id: %b\r\n\r\n%b"
        connection.carry(self, request % (course.asking, len(body), call.id, body))

    def go_on(self, resumed: Resumed) -> None:
        """On the long way."""
        self._call.ticket.waiting = False
        way = partial(self._way.relay.resume, self._call, resumed)
        self._line.go_on(self._opening, self._call.size, way)

    # What the engine's connection reports:

    def heard(self, data: bytes) -> None:
        try:
            self._hear(data)
        except Exception:  # the border of a request: it ends, the box goes on
            log.exception("request %s failed", self._call.id.decode("ascii"))
            self._line.abort()

    def _hear(self, data: bytes) -> None:
        pieces, heading = self._pieces, self._course.heading
        if pieces is not None:
            pieces.append(data)
            self._left -= len(data)
        elif heading is not None:
            length, self._start = heading.around.read(data)
            self._left = self._start + length - len(data) if 0 <= length <= WHOLE_ANSWER else -1
        else:
            self._left = -1
        if self._left > 0:
            self._pieces = pieces or [data]
        elif self._left or heading is None:
            self._answer_at_length(b"".join(pieces) if pieces else data)
        else:
            whole = b"".join(pieces) if pieces else data
            self._answered(whole[self._start :], heading.ours_before, heading.ours_after)

    def lost(self, reason: str) -> None:
        self.go_on(Resumed(failed=reason))

    def _answer_at_length(self, received: bytes) -> None:
        """It is a stream, or out of the ordinary, or begins as none did before."""
        connection, course = self._connection, self._course
        if connection is None:
            return
        exchange = self._call.exchange = connection.taken_over(received)
        if exchange.status == HTTP_OK and not exchange.streams:
            heading = heading_of(received, exchange.headers)
            if heading is not None:
                self._way.learn(course, heading)
        self.go_on(Resumed(begun=Begun(exchange, course.route, course.endpoint)))

    def _answered(self, body: bytes, before: bytes, after: bytes) -> None:
        call, relay, meter = self._call, self._way.relay, self._way.meter
        if self._connection is not None:
            connection, self._connection = self._connection, None  # from here on it is somebody else's
            connection.carried()
        call.ticket.waiting, call.ticket.direct = False, True
        meter.received(call.ticket, len(body))
        call.status, call.head, call.tail = HTTP_OK, body[:TAIL], body[-TAIL:]
        own = self._course.own + lines_each_time(call)
        if self._line.closing:
            own += CLOSING
        if call.place is not None:
            relay.usher.leave(call)
        relay.account(call)
        answer = b"%b%b%b%d%bx-request-id: %b\r\n%b\r\n%b"
        self._line.answered(answer % (_OK_LINE, DATE.field(), before, len(body), after, call.id, own, body))

    # What the client's connection reports:

    def client_left(self) -> None:
        call = self._call
        call.gone, call.status, call.ticket.waiting = True, CLIENT_GONE, False
        if self._connection is not None:
            self._connection.abandon()
        self._way.relay.usher.leave(call)
        self._way.relay.account(call)
