"""The answering side: connections that other boxes have opened to ask this one.

Each is served like one of :9337, with the same limits of time, by a relay of its own that knows only what this box
answers itself. So a request is never sent on from here: it cannot go round in circles.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import cast

from appliance.proxy.asgi import Receive, Scope, Send, header_value, json_bytes, respond
from appliance.proxy.boxes.gate import MOST_AT_ONCE, BoxGate, BoxPermit
from appliance.proxy.boxes.words import told_with
from appliance.proxy.deps import ProxyDeps
from appliance.proxy.direct.course import Course
from appliance.proxy.direct.way import DirectWay
from appliance.proxy.endpoints import ENGINE_PATHS
from appliance.proxy.errors import ApiError, model_failed, model_not_found
from appliance.proxy.forward import Call
from appliance.proxy.relay import Relay
from appliance.proxy.wire.connection import ClientConnection
from appliance.proxy.wire.desk import Desk, Limits
from appliance.routing.table import Route, RouteState, RoutingTable
from appliance.tasks import TaskGroup

LIMITS = Limits(connections=4096, connections_of_one=2048)


class _DirectWay(DirectWay):
    """It knows requests again by the name in the body, which here is not what decides."""

    def _course(self, call: Call) -> Course | None:
        permit = cast("BoxPermit", call.permit)
        return super()._course(call) if permit.model == call.peeked.model else None


class BoxRelay(Relay):
    """Answers what it can by itself, or says that another box should be asked."""

    def __init__(self, deps: ProxyDeps) -> None:
        super().__init__(deps)
        self.direct = _DirectWay(deps, self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in ENGINE_PATHS:
            await super().__call__(scope, receive, send)
        else:
            error = ApiError(404, "unknown_route", "Other boxes may not ask for that.")
            await respond(send, error.status, json_bytes(error.body(ENGINE_PATHS["/v1/completions"].shape)))

    def route(self, call: Call) -> Route:
        """By its whole name, and by no other: what a name means was decided where it was asked."""
        permit = cast("BoxPermit", call.permit)
        route = self._deps.routes().routes.get(permit.model)
        if route is None:
            raise model_not_found(permit.model, ())
        call.ticket.model, call.ticket.route = route.model, route.kind
        call.why = "for another box"
        if route.state is RouteState.FAILED:
            raise model_failed(route.model, route.reason)
        return route

    async def _refuse(self, call: Call, error: ApiError, send: Send) -> None:
        if call.early is not None and call.early.begun:
            await super()._refuse(call, error, send)
            return
        call.status = error.status
        own = [(b"x-request-id", call.id), (b"x-meshbox-node", header_value(self._deps.node().id))]
        body = json_bytes(error.body(call.target.shape))
        await respond(send, error.status, body, [*error.headers, *told_with(error), *own])


class BoxConnection(ClientConnection):
    """Of another box: known by its id, wherever it comes from."""

    __slots__ = ("_node",)

    def __init__(self, desk: Desk, loop: asyncio.AbstractEventLoop, node: str) -> None:
        super().__init__(desk, loop)
        self._node = node

    def _client_of(self, transport: asyncio.BaseTransport) -> tuple[str, int]:  # noqa: ARG002 - of the other kind
        return self._node, 0


class BoxDoor:
    """`routes` is what this box answers itself. Objects belong to clients of this box, and other boxes send what they
    mean along."""

    def __init__(
        self,
        deps: ProxyDeps,
        routes: Callable[[], RoutingTable],
        most_at_once: int = MOST_AT_ONCE,
        limits: Limits = LIMITS,
    ) -> None:
        gate = BoxGate(most_at_once)
        self._relay = BoxRelay(replace(deps, routes=routes, gate=gate, objects=None, dial=None))
        self._limits = limits
        self._tasks = TaskGroup()
        self._desk: Desk | None = None

    def open(self) -> None:
        desk = self._desk = Desk(self._relay, self._limits)
        self._tasks.start("watch connections of boxes", desk.watch())

    def protocol(self, node: str) -> asyncio.Protocol:
        """For a connection by which the box `node`, which has been proved, asks this one."""
        if self._desk is None:
            raise RuntimeError("the door for other boxes is not open")
        return BoxConnection(self._desk, asyncio.get_running_loop(), node)

    async def close(self, patience: float) -> None:
        """Takes nothing new; answers that run get their time."""
        if self._desk is not None:
            await self._desk.close(patience)
        await self._relay.close()
        await self._tasks.close()
