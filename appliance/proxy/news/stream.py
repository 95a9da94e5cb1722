"""One client's stream of events: from how things are now, to its leaving or the end of the box."""

from __future__ import annotations

import asyncio
import time

from appliance.proxy.asgi import Header, Receive, Scope, Send, client_address, request_id, respond
from appliance.proxy.deps import ProxyDeps
from appliance.proxy.early import STREAM_HEADERS
from appliance.proxy.endpoints import Shape
from appliance.proxy.errors import ApiError, draining
from appliance.proxy.intake import check_method
from appliance.proxy.news.hub import Hub
from appliance.proxy.news.listener import Listener
from appliance.tasks import TaskGroup

EVENTS = "/events"
BEAT_SECONDS = 15.0  # so often a silent stream says that it is there
SEND_SECONDS = 30.0  # a client that takes nothing for so long is let go
BEAT = b": nothing new\n\n"


async def serve_events(deps: ProxyDeps, hub: Hub, scope: Scope, receive: Receive, send: Send) -> None:
    """`GET /events`. Raises ApiError before the stream has begun."""
    only_head = check_method(scope, "GET", "HEAD") == "HEAD"
    if deps.stopping.is_set():
        raise draining()
    permit = deps.gate.identify(scope)
    headers: list[Header] = [*STREAM_HEADERS, (b"x-request-id", request_id(scope))]
    if only_head:
        await respond(send, 200, b"", headers[1:], content_type=headers[0][1])
        return
    tasks = TaskGroup()
    with hub.listening(permit, permit.party(client_address(scope)).share) as listener:
        tasks.start("watch listener", _watch(listener, receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await _tell(deps, listener, scope, send)
        except TimeoutError:  # nobody reads: the server breaks the connection
            return
        finally:
            await tasks.close()


async def _tell(deps: ProxyDeps, listener: Listener, scope: Scope, send: Send) -> None:
    over, looked = False, time.monotonic()
    while not over:
        said, over = await listener.next(BEAT_SECONDS) or BEAT, listener.over
        async with asyncio.timeout(SEND_SECONDS):
            await send({"type": "http.response.body", "body": said, "more_body": not over})
        if (now := time.monotonic()) - looked >= BEAT_SECONDS:
            looked = now
            _look_again(deps, listener, scope)


def _look_again(deps: ProxyDeps, listener: Listener, scope: Scope) -> None:
    """A key may have been changed or revoked meanwhile, and an open box closed."""
    try:
        listener.permit = deps.gate.identify(scope)
    except ApiError as error:
        listener.end(error.stream_event(Shape.RESPONSES))


async def _watch(listener: Listener, receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
    listener.end()
