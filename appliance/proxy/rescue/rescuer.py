"""Finds another engine for an answer that broke off, and goes on with it there."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import msgspec

from appliance.proxy import errors
from appliance.proxy.asgi import Header, Send, json_bytes
from appliance.proxy.boxes.places import Places
from appliance.proxy.deps import ProxyDeps
from appliance.proxy.events import EventCutter
from appliance.proxy.forward import Call, Forwarder
from appliance.proxy.intake import ClientGone
from appliance.proxy.rescue.events import read_events
from appliance.proxy.rescue.stream import TOLD, Broken, CannotGoOn, broken_stream
from appliance.proxy.upstream import Exchange, UpstreamError
from appliance.proxy.usage import TAIL
from appliance.routing.table import Endpoint, Route, RouteState

log = logging.getLogger("meshbox.proxy")

TRIES = 3
LOOK_SECONDS = 0.05
NOTICE_SECONDS = 2.0  # by then the box knows that an engine has ended
LONGEST_COUNT = 8 << 20

Headers = Callable[[Call, Route], list[Header]]


class Rescuer:
    def __init__(self, deps: ProxyDeps, forwarder: Forwarder, places: Places) -> None:
        self._deps = deps
        self._forwarder, self._places = forwarder, places

    async def go_on(self, call: Call, endpoint: Endpoint, detail: str, send: Send) -> None:
        """Raises ApiError when the answer cannot be gone on with, or ClientGone."""
        vain = 0  # tries that brought nothing
        while vain < TRIES:
            before = call.events
            try:
                endpoint = await self.another(call, endpoint)
                await self._elsewhere(call, endpoint, send)
            except CannotGoOn as error:
                log.info("request %s broke off and cannot be gone on with: %s", call.id.decode("ascii"), error)
                break
            except UpstreamError as error:
                if call.gone:
                    raise ClientGone from error
                detail, vain = str(error), vain + 1 if call.events == before else 0
            else:
                self._deps.meter.went_on(call.ticket)
                return
        raise errors.answer_cut(call.ticket.model, detail)

    async def found_another(self, call: Call, dead: Endpoint) -> bool:
        """Waits for an engine to answer a request of which nothing was answered yet. May raise ApiError."""
        try:
            await self.another(call, dead)
        except CannotGoOn:
            return False
        return True

    async def another(self, call: Call, dead: Endpoint) -> Endpoint:
        """Where the same model answers now. Raises ApiError when it does not come back, or CannotGoOn."""
        call.failed = (*call.failed, dead)
        began, patience = time.monotonic(), self._deps.settings().api.wait_for_model_s
        while True:
            route = self._now(call)
            if route.endpoint is not None and route.endpoint not in call.failed:
                return route.endpoint
            if time.monotonic() - began > (NOTICE_SECONDS if route.endpoint is not None else patience):
                raise CannotGoOn("no other engine answered in time")
            if call.gone:
                raise ClientGone
            if call.early is not None and call.early.begun:
                await call.early.say("meshbox: the engine of this answer ended; waiting for another one", [])
            await self._deps.changed(LOOK_SECONDS)

    def _now(self, call: Call) -> Route:
        """Its model as it stands, at the place that is best for it."""
        route = self._deps.routes().routes.get(call.ticket.model)
        if route is None or self._deps.stopping.is_set():
            raise CannotGoOn("its model is no longer served")
        if route.targets:
            route = self._places.at(call, route)
        if route.state is RouteState.FAILED:
            raise errors.model_failed(route.model, route.reason)
        return route

    async def _elsewhere(self, call: Call, endpoint: Endpoint, send: Send) -> None:
        sent = call.kept.all() if call.kept is not None else None
        if sent is None:
            raise CannotGoOn("too much had been said")
        broken = broken_stream(call.target.path, call.body, sent)
        if not broken.over:
            broken.tokens = await self._count(call, endpoint, broken)
            exchange, first = await self._forwarder.ask(call, endpoint, call.target.path, broken.next_request())
            if exchange.status >= 400:
                raise CannotGoOn(f"the next engine refused with status {exchange.status}: {first[:200]!r}")
            await self._pass_on(call, exchange, first, broken, send)
        await send({"type": "http.response.body", "body": broken.closing() + TOLD, "more_body": False})

    async def _pass_on(self, call: Call, exchange: Exchange, piece: bytes, broken: Broken, send: Send) -> None:
        cutter = EventCutter()
        while piece:
            events = (broken.fitted(event) for event in read_events(cutter.feed(piece)))
            fitted = [event.bytes() for event in events if event is not None]
            if fitted and call.kept is not None:
                whole = b"".join(fitted)
                call.kept.add(whole)
                call.tail, call.events = (call.tail + whole)[-TAIL:], call.events + len(fitted)
                await send({"type": "http.response.body", "body": whole, "more_body": True})
            piece = await self._forwarder.more(exchange, call.ticket)

    async def _count(self, call: Call, endpoint: Endpoint, broken: Broken) -> int:
        """How many tokens the client has."""
        body = json_bytes({"model": call.ticket.model, "content": broken.said})
        exchange, answer = await self._forwarder.ask(call, endpoint, "/tokenize", body)
        while piece := await self._forwarder.more(exchange, call.ticket):
            answer += piece
            if len(answer) > LONGEST_COUNT:
                raise CannotGoOn("what was said could not be counted")
        exchange.close()
        try:
            return len(msgspec.json.decode(answer, type=dict[str, list[int]])["tokens"])
        except (msgspec.MsgspecError, KeyError, UnicodeDecodeError, RecursionError) as error:
            raise CannotGoOn("what was said could not be counted") from error
