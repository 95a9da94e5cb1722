"""The application of :9337: browser safety, liveness, unknown routes; everything else goes to the relay.

Raw ASGI from end to end: each layer here would be paid for by every chunk of every stream.
"""

from __future__ import annotations

from appliance.proxy.asgi import Header, Receive, Scope, Send, json_bytes, request_id, respond, with_headers
from appliance.proxy.deps import ProxyDeps
from appliance.proxy.direct.line import Direct
from appliance.proxy.direct.way import DirectWay
from appliance.proxy.endpoints import ENGINE_PATHS, MODELS, api_path, shape_of
from appliance.proxy.errors import ApiError
from appliance.proxy.guard import check_browser, cors_headers, preflight_headers
from appliance.proxy.intake import DISCARD_SECONDS, check_method, discard
from appliance.proxy.news.hub import Hub
from appliance.proxy.news.stream import EVENTS, serve_events
from appliance.proxy.objects import OBJECTS, serve_objects
from appliance.proxy.relay import Relay

__all__ = ["ApiApp", "ProxyDeps", "create_api_app"]

HEALTH = "/healthz"
TELEMETRY = (  # agents send it to whom they talk to; it is thrown away, so that they do not try for ever
    "/api/event_logging/",
    "/api/claude_code/metrics",
    "/v1/logs",
    "/v1/metrics",
    "/v1/traces",
)
TELEMETRY_LIMIT = 1 << 20


def create_api_app(deps: ProxyDeps) -> ApiApp:
    return ApiApp(deps, Relay(deps))


class ApiApp:
    def __init__(self, deps: ProxyDeps, relay: Relay) -> None:
        self._deps = deps
        self._relay = relay
        self._hub = Hub(deps)
        self.direct: Direct | None = DirectWay(deps, relay)  # for a web server that knows how to use it

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._live(receive, send)
        elif scope["type"] == "http":
            await self._request(scope, receive, send)

    async def _live(self, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self._hub.close()
        await self._relay.close()
        await send({"type": "lifespan.shutdown.complete"})

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            origin = check_browser(scope, self._deps.settings())
            if origin is not None:
                send = with_headers(send, cors_headers(origin))
            if scope["method"] == "OPTIONS":
                await _options(scope, origin, send)
            else:
                await self._dispatch(scope, receive, send)
        except ApiError as error:
            body = json_bytes(error.body(shape_of(api_path(scope["path"]))))
            await respond(send, error.status, body, [*error.headers, (b"x-request-id", request_id(scope))])

    async def _dispatch(self, scope: Scope, receive: Receive, send: Send) -> None:
        path: str = scope["path"].rstrip("/")
        if path in ENGINE_PATHS or path == MODELS or path.startswith(MODELS + "/"):
            await self._relay(scope, receive, send)
        elif self._deps.objects is not None and (path == OBJECTS or path.startswith(OBJECTS + "/")):
            await serve_objects(self._deps, self._deps.objects, scope, receive, send)
        elif path == EVENTS:
            await serve_events(self._deps, self._hub, scope, receive, send)
        elif path == HEALTH:
            await self._health(scope, send)
        elif path.startswith(TELEMETRY):
            check_method(scope, "POST")
            await discard(receive, TELEMETRY_LIMIT, DISCARD_SECONDS)
            await respond(send, 200, b"{}")
        else:
            raise _unknown_route(scope["method"], path)

    async def _health(self, scope: Scope, send: Send) -> None:
        only_head = check_method(scope, "GET", "HEAD") == "HEAD"
        stopping = self._deps.stopping.is_set()
        body = json_bytes({"status": "draining" if stopping else "ok"})
        await respond(send, 503 if stopping else 200, body, only_head=only_head)


def _unknown_route(method: str, path: str) -> ApiError:
    meant = f" Did you mean /v1{path}?" if f"/v1{path}" in ENGINE_PATHS or f"/v1{path}" == MODELS else ""
    return ApiError(404, "unknown_route", f"There is no route {method[:20]} {path[:200] or '/'} here.{meant}")


async def _options(scope: Scope, origin: str | None, send: Send) -> None:
    methods = ("GET", "HEAD", "POST", "DELETE", "OPTIONS")
    headers: list[Header] = [(b"allow", ", ".join(methods).encode("ascii"))]
    if origin is not None:
        headers += preflight_headers(scope, methods)
    await send({"type": "http.response.start", "status": 204, "headers": headers})
    await send({"type": "http.response.body", "body": b"", "more_body": False})
