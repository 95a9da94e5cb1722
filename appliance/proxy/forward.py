"""Carries one request to its engine and the answer back.

Nothing has been sent to the client until the engine's first bytes are here, so everything before can be answered by a
clear error or by a second try. An answer that is no stream is collected first, for the same reason.
"""

from __future__ import annotations

import msgspec

from appliance.proxy import errors
from appliance.proxy.asgi import Header, Send, header_value
from appliance.proxy.attachments import Attachments
from appliance.proxy.boxes.words import asking, check_answer
from appliance.proxy.early import EarlyWords
from appliance.proxy.endpoints import EnginePath
from appliance.proxy.intake import ClientGone
from appliance.proxy.lines import Place
from appliance.proxy.meter import RequestMeter, Ticket
from appliance.proxy.passage import Passage
from appliance.proxy.peek import Peeked
from appliance.proxy.permit import NO_KEY, Permit
from appliance.proxy.pool import Pool
from appliance.proxy.rescue.kept import Kept
from appliance.proxy.splice import Wire
from appliance.proxy.upstream import Exchange, UpstreamError
from appliance.proxy.usage import TAIL
from appliance.routing.table import Endpoint

WHOLE_ANSWER = 1 << 20  # an answer that is no stream is collected up to this size
ERROR_LIMIT = 1 << 18
CLIENT_GONE = 499  # for the books only
NOTHING_KNOWN = Peeked()
JSON = "application/json"
JSON_HEADER: Header = (b"Content-Type", header_value(JSON))


class Call(msgspec.Struct, eq=False):  # made for each request; it refers to much that may refer to it
    """What is known about a request while it is on its way."""

    target: EnginePath
    id: bytes
    ticket: Ticket
    peeked: Peeked = NOTHING_KNOWN
    body: bytes = b""
    content_type: str = ""
    exchange: Exchange | None = None
    asked: bool = False  # an engine was
    gone: bool = False  # the client went away
    status: int = 0
    head: bytes = b""  # the first piece of the answer and the last ones: what it says about its tokens
    tail: bytes = b""
    permit: Permit = NO_KEY
    size: int = 0  # of the body
    attachments: Attachments | None = None  # when it refers to objects
    events: int = 0  # of a stream that were passed on
    early: EarlyWords | None = None  # when the client reads a stream
    kept: Kept | None = None  # what was sent of a stream that may be gone on with
    wire: Wire | None = None  # when the web server offers one
    place: Place | None = None  # in the line before the engine, then at it
    batch: bool = False  # nobody sits and waits for it
    choice: str = ""  # the model, when that was left to the box
    why: str = ""  # that one
    there: str = ""  # and why it is asked at another box
    away: tuple[str, str] | None = None  # that box and the model, while it is asked there
    failed: tuple[Endpoint, ...] = ()  # did not answer it
    conversation: str = ""  # the same for each turn of it, where it matters which place answers

    def client_left(self) -> None:
        self.gone = True
        if self.place is not None:
            self.place.wake()
        if self.exchange is not None:
            self.exchange.abort("the client went away")


class BrokenOff(Exception):
    """The engine died in the middle of a stream that may be gone on with."""


class Forwarder:
    def __init__(self, pool: Pool, meter: RequestMeter) -> None:
        self._pool = pool
        self._meter = meter

    async def begin(self, call: Call, model: str, endpoint: Endpoint, *, fresh: bool) -> tuple[Exchange, bytes]:
        """Sends the request and waits for the answer's first bytes; for all of them when it is no stream."""
        return await self.ask(call, endpoint, call.target.path, call.peeked.naming(call.body, model), fresh=fresh)

    async def ask(
        self, call: Call, endpoint: Endpoint, path: str, body: bytes, *, fresh: bool = True
    ) -> tuple[Exchange, bytes]:
        """The same with a path and a body of our own."""
        if call.exchange is not None:  # of a try before; its connection may be fit for the next
            call.exchange.close()
        headers = [(b"Content-Type", header_value(call.content_type)), (b"X-Request-Id", call.id)]
        if endpoint.node:
            headers += asking(call.ticket.model, batch=call.batch)
        call.ticket.waiting = True
        try:
            whole = body if call.attachments is None else await call.attachments.fill(body)
            exchange = await self._pool.send(endpoint, path, headers, whole, fresh=fresh)
            del whole  # it may be large, and the engine has long to read
            call.exchange, call.asked = exchange, True
        finally:
            call.ticket.waiting = False
        return exchange, await self.first(call, exchange, endpoint)

    async def first(self, call: Call, exchange: Exchange, endpoint: Endpoint) -> bytes:
        """Waits for the first bytes of an answer; for all of them when it is no stream."""
        call.ticket.waiting = True
        try:
            if call.gone:
                raise UpstreamError("the client went away")
            await exchange.head()
            first = await exchange.read()
            call.ticket.stream = exchange.streams
            if not call.ticket.stream:
                first = await _gather(exchange, first, WHOLE_ANSWER)
        finally:
            call.ticket.waiting = False
        if endpoint.node:
            check_answer(exchange.status, exchange.headers, first[:ERROR_LIMIT], call.ticket.model)
        self._meter.received(call.ticket, len(first))
        return first

    async def pass_on(self, call: Call, exchange: Exchange, first: bytes, own: list[Header], send: Send) -> None:
        if exchange.status >= 400:
            raise errors.from_engine(exchange.status, first[:ERROR_LIMIT], call.ticket.model)
        call.status = exchange.status
        if call.kept is None:
            call.body = b""
        if call.early is None or not call.early.begun:
            headers = [*_kept_headers(exchange), *own]
            await send({"type": "http.response.start", "status": exchange.status, "headers": headers})
        if call.early is not None:
            call.early.begun = True
        if exchange.streams:
            await self._stream(call, exchange, first, send)
        else:
            await self._rest(call, exchange, first, send)

    async def _stream(self, call: Call, exchange: Exchange, piece: bytes, send: Send) -> None:
        passage = Passage(call.ticket, call.kept)
        try:
            if whole := passage.cut(piece):
                await send({"type": "http.response.body", "body": whole, "more_body": True})
            if call.wire is not None and piece:
                await call.wire.splice(exchange, passage)
            else:
                await self._piece_by_piece(exchange, passage, call.ticket, send)
            last = passage.rest()
        except UpstreamError as error:
            if call.gone:
                raise ClientGone from error
            if call.kept is not None:
                raise BrokenOff(str(error)) from error
            cut = errors.answer_cut(call.ticket.model, str(error))
            call.status = cut.status
            last = cut.stream_event(call.target.shape)
        finally:
            passage.close()
            call.head, call.tail, call.events = passage.head[:TAIL], passage.tail, passage.events
        await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _piece_by_piece(self, exchange: Exchange, passage: Passage, ticket: Ticket, send: Send) -> None:
        while piece := await self.more(exchange, ticket):
            if whole := passage.cut(piece):
                await send({"type": "http.response.body", "body": whole, "more_body": True})

    async def _rest(self, call: Call, exchange: Exchange, piece: bytes, send: Send) -> None:
        """An answer that is no stream. When it breaks off, its announced length tells the client."""
        before = latest = b""
        call.head = piece[:TAIL]  # embeddings tell their tokens before the vectors
        try:
            while piece:
                before, latest = latest, piece
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await self.more(exchange, call.ticket)
        except UpstreamError as error:
            call.status = CLIENT_GONE if call.gone else 502
            raise ClientGone from error
        finally:
            call.tail = before[-TAIL:] + latest[-TAIL:]
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def more(self, exchange: Exchange, ticket: Ticket) -> bytes:
        ticket.waiting = True
        try:
            piece = await exchange.read()
        finally:
            ticket.waiting = False
        self._meter.received(ticket, len(piece))
        return piece


async def _gather(exchange: Exchange, first: bytes, limit: int) -> bytes:
    pieces, size = [first], len(first)
    while size < limit and pieces[-1]:
        pieces.append(await exchange.read())
        size += len(pieces[-1])
    return b"".join(pieces)


def _kept_headers(exchange: Exchange) -> list[Header]:
    kept = [(k, v) for k, v in exchange.headers if k in (b"content-type", b"content-length")]
    if exchange.streams:
        kept += [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
    return kept
