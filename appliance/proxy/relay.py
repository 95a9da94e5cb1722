"""One request on its way through the box: body, peek, route, engine, and the answer back as it comes.

The engine's connection is broken as soon as the client is gone, which frees the engine's slot.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from dataclasses import dataclass

from appliance.proxy import errors
from appliance.proxy.asgi import (
    Header,
    Receive,
    Scope,
    Send,
    client_address,
    header_value,
    json_bytes,
    request_id,
    respond,
    text_header,
)
from appliance.proxy.attachments import Attachments, refuse_links
from appliance.proxy.boxes.places import Places
from appliance.proxy.chooser import Chooser
from appliance.proxy.deps import ProxyDeps
from appliance.proxy.early import EarlyWords
from appliance.proxy.endpoints import ENGINE_PATHS, MODELS, EnginePath, api_path, shape_of
from appliance.proxy.errors import ApiError
from appliance.proxy.forward import CLIENT_GONE, JSON, BrokenOff, Call, Forwarder
from appliance.proxy.intake import DISCARD_SECONDS, MIB, ClientGone, check_method, discard, read_body
from appliance.proxy.listing import model_entry, model_list
from appliance.proxy.marking import refers_to_objects
from appliance.proxy.own import own_headers
from appliance.proxy.peek import peek_json, peek_multipart
from appliance.proxy.pool import Pool
from appliance.proxy.rescue import Kept
from appliance.proxy.rescue.rescuer import Rescuer
from appliance.proxy.spent import Course, tokens_spent
from appliance.proxy.splice import wire_of
from appliance.proxy.upstream import Exchange, UpstreamError
from appliance.proxy.usage import read_usage
from appliance.proxy.usher import Usher, is_batch
from appliance.routing.table import AUTO, Endpoint, Route, RouteState
from appliance.routing.waiting import seconds_until_ready
from appliance.tasks import TaskGroup

log = logging.getLogger("meshbox.proxy")

TRIES = 3
HTTP_OK, HTTP_BAD = 200, 400
WAKE_LOOK_SECONDS = 0.05  # so often a request looks whether its model is awake
CALL_AGAIN_SECONDS = 10.0
REMEMBERED = 1 << 20  # bytes of a request; a longer one is not kept for the case that its engine dies
_CALLED_FOR = (RouteState.SLEEPING, RouteState.AVAILABLE)


@dataclass(frozen=True, slots=True)
class Begun:
    """An answer that begins."""

    exchange: Exchange
    route: Route
    endpoint: Endpoint


@dataclass(frozen=True, slots=True)
class Resumed:
    """Where a request stands that did not begin here."""

    error: ApiError | None = None  # it has to be refused
    failed: str = ""  # its first try, and why
    begun: Begun | None = None


class Relay:
    """Raw ASGI. Answers the model list and everything that engines answer, under any mount point."""

    def __init__(self, deps: ProxyDeps, pool: Pool | None = None) -> None:
        self._deps = deps
        self.pool = pool or (Pool() if deps.dial is None else Pool(dial=deps.dial))
        self._forwarder = Forwarder(self.pool, deps.meter)
        self._tasks = TaskGroup()
        self._places = Places(deps.lines, deps.away, deps.routes)
        self._chooser = Chooser(deps.lines.waiting, self._places)
        self._rescuer = Rescuer(deps, self._forwarder, self._places)
        self.usher = Usher(deps.lines, lambda: deps.settings().api, deps.stopping)

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
        self._deps.meter.settle()
        self.pool.close()

    async def _models(self, scope: Scope, path: str, send: Send) -> None:
        only_head = check_method(scope, "GET", "HEAD") == "HEAD"
        permit, table, node = self._deps.gate.identify(scope), self._deps.routes(), self._deps.node()
        name = path.removeprefix(MODELS).strip("/")
        table = permit.narrowed(table, name) if name else permit.visible(table)
        if not name:
            content = model_list(table, node)
        elif (route := table.shown(name)) is None:
            raise errors.model_not_found(name, table.nearest(name))
        else:
            content = model_entry(route, node, name=AUTO if name == AUTO else None)
        headers = [(b"x-request-id", request_id(scope)), (b"cache-control", b"no-store")]
        await respond(send, 200, json_bytes(content), headers, only_head=only_head)

    async def _engine(self, target: EnginePath, scope: Scope, receive: Receive, send: Send) -> None:
        check_method(scope, "POST")
        own_id = request_id(scope)
        ticket = self._deps.meter.begin(target.path, own_id.decode("ascii"), client_address(scope))
        call = Call(target, own_id, ticket, wire=wire_of(scope))
        await self._to_its_end(call, self._answer(call, scope, receive, send), send)

    async def resume(self, call: Call, resumed: Resumed, scope: Scope, receive: Receive, send: Send) -> None:
        """A request that began on the short way and cannot be answered there."""
        call.wire = wire_of(scope)
        await self._to_its_end(call, self._resumed(call, resumed, receive, send), send)

    async def _to_its_end(self, call: Call, answering: Awaitable[None], send: Send) -> None:
        try:
            await answering
        except ApiError as error:
            await self._refuse(call, self._chooser.advised(call, error, self._deps.routes()), send)
        except ClientGone:
            call.status = call.status if call.status >= 400 else CLIENT_GONE
        except Exception:  # the border of a request: it ends, the box goes on
            log.exception("request %s failed", call.id.decode("ascii"))
            if call.status:
                raise
            await self._refuse(call, errors.internal_error(), send)
        finally:
            if call.attachments is not None:
                call.attachments.close()
            self.account(call)

    async def _answer(self, call: Call, scope: Scope, receive: Receive, send: Send) -> None:
        if self._deps.stopping.is_set():
            raise errors.draining()
        await self._admit(call, scope, receive)
        call.body = await read_body(scope, receive, self._deps.settings().api.max_body_mib)
        if call.target.multipart:
            call.content_type = text_header(scope, b"content-type")
            call.peeked = peek_multipart(call.body, call.content_type)
        else:
            call.content_type = JSON  # whatever a careless client called it
            call.peeked = peek_json(call.body)
            await self._attach(call, client_address(scope))
        call.size, call.batch = len(call.body), is_batch(scope, call)
        await self._resumed(call, Resumed(), receive, send)

    async def _resumed(self, call: Call, resumed: Resumed, receive: Receive, send: Send) -> None:
        """All that is asked for is known, and that it may be asked for, but for what is `resumed`."""
        if call.target.streams and call.peeked.stream and resumed.error is None:
            call.early, call.kept = EarlyWords(send), Kept() if call.size <= REMEMBERED else None
        watch = self._watch(call, receive)
        try:
            if resumed.error is not None:
                raise resumed.error
            await self._exchange(call, resumed, send)
        finally:
            if watch is not None:
                watch.cancel()
            if call.exchange is not None:
                call.exchange.close()
            self.usher.leave(call)

    async def _attach(self, call: Call, address: str) -> None:
        """Finds what comes with the words. Raises ApiError."""
        if not self._deps.settings().api.fetch_links:
            refuse_links(call.body)
        if self._deps.objects is not None and refers_to_objects(call.body):
            call.attachments = Attachments(self._deps.objects, call.permit.party(address), call.target.shape)
            call.body = await call.attachments.find(call.body)
            call.peeked = peek_json(call.body)

    def _watch(self, call: Call, receive: Receive) -> asyncio.Task[None] | None:
        """Has the request ended at the engine as soon as its client has gone."""
        if call.wire is None:
            return self._tasks.start("watch client", _watch(call, receive))
        call.wire.when_gone(call.client_left)
        return None

    async def _admit(self, call: Call, scope: Scope, receive: Receive) -> None:
        """Raises ApiError when the request may not be made, or not now."""
        try:
            call.permit = self._deps.gate.admit(scope, call.ticket)
            self._deps.meter.let_in(call.ticket, call.permit.id)
        except ApiError:
            await discard(receive, self._deps.settings().api.max_body_mib * MIB, DISCARD_SECONDS)
            raise

    async def _exchange(self, call: Call, resumed: Resumed, send: Send) -> None:
        """Has the request answered. When the engine breaks off before its first bytes it is tried again: at once, as
        an idle connection may just have been closed, and then with another engine."""
        detail, refusal = resumed.failed, None
        begun = resumed.begun
        for attempt in range(1 if detail else 0, TRIES):
            route, endpoint = (begun.route, begun.endpoint) if begun else await self._at_engine(call)
            try:
                if begun is not None:
                    exchange, begun = begun.exchange, None
                    first = await self._forwarder.first(call, exchange, endpoint)
                else:
                    exchange, first = await self._forwarder.begin(call, route.model, endpoint, fresh=attempt > 0)
            except UpstreamError as error:
                if call.gone:
                    raise ClientGone from error
                refusal = self._places.gave_up(call, endpoint, error, again=attempt > 0)
                detail, call.choice = str(error), ""  # another model may answer where any will do
                if attempt and not await self._rescuer.found_another(call, endpoint):
                    break
                continue
            try:
                await self._forwarder.pass_on(call, exchange, first, self._own_headers(call, route), send)
            except BrokenOff as error:
                await self._rescuer.go_on(call, endpoint, str(error), send)
            return
        gone = errors.box_gone if call.away else errors.engine_gone
        raise refusal or gone(call.ticket.model, detail)

    async def _at_engine(self, call: Call) -> tuple[Route, Endpoint]:
        """Its route, once it is its turn there."""
        route, endpoint = await self._ready_route(call)
        if await self._seat(call, route):  # things may have changed meanwhile
            route, endpoint = await self._ready_route(call)
        return route, endpoint

    async def _seat(self, call: Call, route: Route) -> bool:
        """Waits until it is the turn of the request; False when it had not to wait."""

        told = 0

        async def say(text: str) -> None:
            nonlocal told
            if call.place is not None and call.place.position != told:
                told = call.place.position
                self._deps.meter.tell("request.queued", call.ticket, position=told)
            if call.early is not None:
                await call.early.say(text, self._own_headers(call, route))

        return await self.usher.seat(call, route, say)

    async def _ready_route(self, call: Call) -> tuple[Route, Endpoint]:
        """The route for what was asked, and its engine; calls for a model that is not loaded and waits for it."""
        route = self.route(call)
        if route.state in _CALLED_FOR or route.awaited:
            route = await self._awake(call, route)
        if route.endpoint is None:
            raise errors.model_loading(route.model, route.progress, seconds_until_ready(route, time.time()))
        return route, route.endpoint

    async def _awake(self, call: Call, route: Route) -> Route:
        """Calls again while it waits, so that the box knows that somebody still does."""
        deadline, next_call = time.monotonic() + self._deps.settings().api.wait_for_model_s, 0.0
        while route.state in _CALLED_FOR or route.state is RouteState.LOADING:
            if (now := time.monotonic()) >= next_call:
                self._deps.wake(route.model)
                next_call = now + CALL_AGAIN_SECONDS
            if now >= deadline:
                break
            if call.gone:
                raise ClientGone
            if call.early is not None:
                await call.early.say(_how_far(route), self._own_headers(call, route))
            await self._deps.changed(WAKE_LOOK_SECONDS)
            route = self.route(call)
        return route

    def route(self, call: Call) -> Route:
        """The route for what was asked; raises ApiError when it leads nowhere."""
        return self._chooser.find(call, call.permit.narrowed(self._deps.routes(), call.peeked.model))

    def _own_headers(self, call: Call, route: Route) -> list[Header]:
        return own_headers(call, call.away[0] if call.away else self._deps.node().id, route)

    async def _refuse(self, call: Call, error: ApiError, send: Send) -> None:
        call.status = error.status
        if call.early is not None and call.early.begun:
            event = error.stream_event(call.target.shape)
            await send({"type": "http.response.body", "body": event, "more_body": False})
            return
        headers = [*error.headers, (b"x-request-id", call.id), (b"x-meshbox-node", header_value(self._deps.node().id))]
        await respond(send, error.status, json_bytes(error.body(call.target.shape)), headers)

    def account(self, call: Call) -> None:
        ticket = call.ticket
        ticket.usage = read_usage(call.head, call.tail)
        if call.permit.counts:
            self._settle(call)
        if (call.choice or call.conversation) and HTTP_OK <= call.status < HTTP_BAD:
            self._chooser.learn(call)
        if call.away is not None:
            self._places.leave(call)
        ticket.logged, ticket.wanted = True, call.peeked.stream
        self._deps.meter.end(ticket, call.status)

    def _settle(self, call: Call) -> None:
        """Books the tokens on the key of the request, and gives its place back."""
        route = self._deps.routes().routes.get(call.ticket.model)
        course = Course(
            path=call.target.path,
            status=call.status,
            asked=call.asked,
            size=call.size,
            answers=call.peeked.answers,
            events=call.events,
            stream=call.ticket.stream,
            context=route.context if route is not None else None,
        )
        call.permit.end(tokens_spent(course, call.ticket.usage))


def _how_far(route: Route) -> str:
    percent = "" if route.progress is None else f" {route.progress:.0%}"
    return f"meshbox: {route.model} is loading{percent}"


async def _watch(call: Call, receive: Receive) -> None:
    """Ends the request at the engine as soon as its client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
    call.client_left()
