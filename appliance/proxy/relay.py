"""One request on its way through the box: body, peek, route, engine, and the answer back as it comes.

The engine's connection is broken as soon as the client is gone, which frees the engine's slot. Nothing has been sent
to the client until the engine's first bytes are here, so everything before is answered by a clear error or by a
second try.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from appliance.proxy import errors
from appliance.proxy.asgi import (
    Header,
    Receive,
    Scope,
    Send,
    header_value,
    json_bytes,
    request_id,
    respond,
    text_header,
)
from appliance.proxy.deps import ProxyDeps
from appliance.proxy.endpoints import ENGINE_PATHS, MODELS, EnginePath, api_path, shape_of
from appliance.proxy.errors import ApiError
from appliance.proxy.events import EventCutter
from appliance.proxy.intake import ClientGone, read_body
from appliance.proxy.listing import model_entry, model_list
from appliance.proxy.meter import Ticket
from appliance.proxy.peek import Peeked, peek_json, peek_multipart
from appliance.proxy.upstream import Exchange, Pool, UpstreamError
from appliance.routing.table import AUTO, Route, RouteState
from appliance.tasks import TaskGroup

access = logging.getLogger("meshbox.access")

WHOLE_ANSWER = 1 << 20  # an answer that is no stream is sent only when it is whole, up to this size
ERROR_LIMIT = 1 << 18
CLIENT_GONE = 499  # for the books only
TRIES = 2
NOTHING_KNOWN = Peeked()


@dataclass(slots=True)
class Call:
    """What is known about a request while it is on its way."""

    target: EnginePath
    id: bytes
    ticket: Ticket
    peeked: Peeked = NOTHING_KNOWN
    body: bytes = b""
    content_type: str = ""
    exchange: Exchange | None = None
    gone: bool = False  # the client went away
    begun: bool = False  # the client has the head of its answer
    status: int = 0

    def client_left(self) -> None:
        self.gone = True
        if self.exchange is not None:
            self.exchange.abort("the client went away")


class Relay:
    """Raw ASGI. Answers the model list and everything that engines answer, under any mount point."""

    def __init__(self, deps: ProxyDeps, pool: Pool | None = None) -> None:
        self._deps = deps
        self._pool = pool or Pool()
        self._tasks = TaskGroup()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = api_path(scope["path"])
        try:
            if path == MODELS or path.startswith(MODELS + "/"):
                await self._models(scope, path, send)
            elif (target := ENGINE_PATHS.get(path)) is not None:
                await self._engine(target, scope, receive, send)
            else:
                raise ApiError(404, "unknown_route", f"There is no route {path[:200]} here.")
        except ApiError as error:
            headers = [*error.headers, (b"x-request-id", request_id(scope))]
            await respond(send, error.status, json_bytes(error.body(shape_of(path))), headers)

    async def close(self) -> None:
        await self._tasks.close()
        self._pool.close()

    async def _models(self, scope: Scope, path: str, send: Send) -> None:
        only_head = check_method(scope, "GET", "HEAD") == "HEAD"
        table, node = self._deps.routes(), self._deps.node()
        name = path.removeprefix(MODELS).strip("/")
        if not name:
            content = model_list(table, node)
        elif (route := table.find(name)) is None:
            raise errors.model_not_found(name, table.nearest(name))
        else:
            content = model_entry(route, node, name=AUTO if name == AUTO else None)
        headers = [(b"x-request-id", request_id(scope)), (b"cache-control", b"no-store")]
        await respond(send, 200, json_bytes(content), headers, only_head=only_head)

    async def _engine(self, target: EnginePath, scope: Scope, receive: Receive, send: Send) -> None:
        check_method(scope, "POST")
        call = Call(target, request_id(scope), self._deps.meter.begin(target.path))
        try:
            await self._answer(call, scope, receive, send)
        except ApiError as error:
            await self._refuse(call, error, send)
        except ClientGone:
            call.status = CLIENT_GONE
        finally:
            self._account(call)

    async def _answer(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        if self._deps.stopping.is_set():
            raise errors.draining()
        call.body = await read_body(scope, receive, self._deps.settings().api.max_body_mib)
        if call.target.multipart:
            call.content_type = text_header(scope, b"content-type")
            call.peeked = peek_multipart(call.body, call.content_type)
        else:
            call.content_type = "application/json"  # whatever a careless client called it
            call.peeked = peek_json(call.body)
        watch = self._tasks.start("watch client", _watch(call, receive))
        try:
            await self._exchange(call, send)
        finally:
            watch.cancel()
            if call.exchange is not None:
                call.exchange.close()

    async def _exchange(self, call: Call, send: Send) -> None:
        """Has the request answered; tries once more when the engine breaks off before its first bytes."""
        detail = ""
        for attempt in range(TRIES):
            route = self._route(call)
            try:
                exchange, first = await self._begin(call, route, fresh=attempt > 0)
            except UpstreamError as error:
                if call.gone:
                    raise ClientGone from error
                detail = str(error)
                continue
            await self._pass_on(call, exchange, first, route, send)
            return
        raise errors.engine_gone(call.ticket.model, detail)

    def _route(self, call: Call) -> Route:
        """The ready route for what was asked; raises ApiError."""
        table, name = self._deps.routes(), call.peeked.model
        if not table.routes:
            raise errors.no_model()
        route = table.find(name, call.target.ability)
        if route is None and (name is None or name == AUTO):
            raise errors.unsupported(f"No model of this box can answer {call.target.path}.")
        if route is None:
            raise errors.model_not_found(name or "", table.nearest(name or ""))
        call.ticket.model = route.model
        if route.state is RouteState.FAILED:
            raise errors.model_failed(route.model, route.reason)
        if route.state is not RouteState.READY or route.endpoint is None:
            raise errors.model_loading(route.model, route.progress)
        return route

    async def _begin(self, call: Call, route: Route, *, fresh: bool) -> tuple[Exchange, bytes]:
        """Sends the request and waits for the answer's first bytes; for all of them when it is no stream."""
        assert route.endpoint is not None  # noqa: S101 - see _route
        headers = [(b"Content-Type", header_value(call.content_type)), (b"X-Request-Id", call.id)]
        body = call.peeked.naming(call.body, route.model)
        call.ticket.waiting = True
        try:
            exchange = await self._pool.send(route.endpoint, call.target.path, headers, body, fresh=fresh)
            call.exchange = exchange
            if call.gone:
                raise UpstreamError("the client went away")
            await exchange.head()
            first = await exchange.read()
            if not is_stream(exchange):
                first = await _gather(exchange, first, WHOLE_ANSWER)
        finally:
            call.ticket.waiting = False
        self._deps.meter.received(call.ticket, len(first))
        return exchange, first

    async def _pass_on(self, call: Call, exchange: Exchange, first: bytes, route: Route, send: Send) -> None:
        if exchange.status >= 400:
            raise errors.from_engine(exchange.status, first[:ERROR_LIMIT], route.model)
        call.begun, call.status = True, exchange.status
        headers = [*_kept_headers(exchange), *self._own_headers(call, route)]
        await send({"type": "http.response.start", "status": exchange.status, "headers": headers})
        if is_stream(exchange):
            await self._stream(call, exchange, first, send)
        else:
            await self._rest(call, exchange, first, send)

    async def _stream(self, call: Call, exchange: Exchange, piece: bytes, send: Send) -> None:
        cutter, ticket = EventCutter(), call.ticket
        try:
            while piece:
                if whole := cutter.feed(piece):
                    await send({"type": "http.response.body", "body": whole, "more_body": True})
                piece = await self._next(exchange, ticket)
            last = cutter.rest()
        except UpstreamError as error:
            if call.gone:
                raise ClientGone from error
            cut = errors.answer_cut(ticket.model, str(error))
            call.status = cut.status
            last = cut.stream_event(call.target.shape)
        await send({"type": "http.response.body", "body": last, "more_body": False})

    async def _rest(self, call: Call, exchange: Exchange, piece: bytes, send: Send) -> None:
        """An answer too long to wait for. When it breaks off, its announced length tells the client."""
        try:
            while piece:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
                piece = await self._next(exchange, call.ticket)
        except UpstreamError as error:
            call.status = CLIENT_GONE if call.gone else 502
            raise ClientGone from error
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _next(self, exchange: Exchange, ticket: Ticket) -> bytes:
        ticket.waiting = True
        try:
            piece = await exchange.read()
        finally:
            ticket.waiting = False
        self._deps.meter.received(ticket, len(piece))
        return piece

    def _own_headers(self, call: Call, route: Route) -> list[Header]:
        return [
            (b"x-request-id", call.id),
            (b"x-meshbox-node", header_value(self._deps.node().id)),
            (b"x-meshbox-model", header_value(route.model)),
            (b"x-meshbox-route", f"{route.kind}; {_why(call.peeked.model, route.model)}".encode("ascii")),
        ]

    async def _refuse(self, call: Call, error: ApiError, send: Send) -> None:
        call.status = error.status
        headers = [*error.headers, (b"x-request-id", call.id), (b"x-meshbox-node", header_value(self._deps.node().id))]
        await respond(send, error.status, json_bytes(error.body(call.target.shape)), headers)

    def _account(self, call: Call) -> None:
        ticket = call.ticket
        seconds = self._deps.meter.end(ticket, call.status)
        first = -1.0 if ticket.first_byte is None else ticket.first_byte - ticket.started
        access.info(
            "%s %s model=%s status=%d stream=%s bytes=%d first_s=%.3f total_s=%.3f",
            call.id.decode("ascii"),
            ticket.endpoint,
            ticket.model or "-",
            call.status,
            call.peeked.stream,
            ticket.sent,
            first,
            seconds,
        )


async def _watch(call: Call, receive: Receive) -> None:
    """Ends the request at the engine as soon as its client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    call.client_left()


async def _gather(exchange: Exchange, first: bytes, limit: int) -> bytes:
    pieces, size = [first], len(first)
    while size < limit and pieces[-1]:
        pieces.append(await exchange.read())
        size += len(pieces[-1])
    return b"".join(pieces)


def check_method(scope: Scope, *allowed: str) -> str:
    method: str = scope["method"]
    if method not in allowed:
        allow = ", ".join(allowed)
        raise ApiError(
            405,
            "method_not_allowed",
            f"This route takes {allow}, not {method[:20]}.",
            headers=[(b"allow", allow.encode("ascii"))],
        )
    return method


def is_stream(exchange: Exchange) -> bool:
    return any(k == b"content-type" and v.startswith(b"text/event-stream") for k, v in exchange.headers)


def _kept_headers(exchange: Exchange) -> list[Header]:
    kept = [(k, v) for k, v in exchange.headers if k in (b"content-type", b"content-length")]
    if is_stream(exchange):
        kept += [(b"cache-control", b"no-cache"), (b"x-accel-buffering", b"no")]
    return kept


def _why(asked: str | None, model: str) -> str:
    if asked is None or asked == AUTO:
        return "first ready model that can answer this"
    return "asked for by name" if asked == model else "the only model that the short name fits"
