"""The application of the port for Ollama's programs: its routes here, `/v1` and all others as on the API's own port."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from appliance.proxy import errors
from appliance.proxy.asgi import (
    Receive,
    Scope,
    Send,
    client_address,
    json_bytes,
    request_id,
    respond,
    with_headers,
)
from appliance.proxy.deps import ProxyDeps
from appliance.proxy.errors import ApiError
from appliance.proxy.guard import check_browser, cors_headers
from appliance.proxy.intake import DISCARD_SECONDS, MIB, ClientGone, check_method, discard, read_body
from appliance.proxy.ollama.asking import Asked, ask_chat, ask_embed, ask_embedding, ask_generate
from appliance.proxy.ollama.bridge import NDJSON, Question, Reply, ignored_header, inner_scope
from appliance.proxy.ollama.lines import line
from appliance.proxy.ollama.shapes import Named, read
from appliance.proxy.ollama.shelf import Shelf, loaded, shown, tags
from appliance.proxy.ollama.telling import Teller
from appliance.routing.table import AUTO, Route

Application = Callable[[Scope, Receive, Send], Awaitable[None]]
Translate = Callable[[bytes], Asked]

GREETING = b"Ollama is running: its API, answered by Meshbox"  # many programs look for the first words
SPEAKS = "0.12.6"  # the version of Ollama whose API this is; programs compare it with the one they need
ASKING: dict[str, Translate] = {
    "/api/chat": ask_chat,
    "/api/generate": ask_generate,
    "/api/embed": ask_embed,
    "/api/embeddings": ask_embedding,
}
MANAGING = ("/api/pull", "/api/push", "/api/create", "/api/copy", "/api/delete")
FILES = "/api/blobs/"


@dataclass(frozen=True, slots=True)
class OllamaDeps:
    proxy: ProxyDeps
    shelf: Callable[[], Shelf]
    api: Application  # that of the API's own port
    relay: Application


class OllamaApp:
    def __init__(self, deps: OllamaDeps) -> None:
        self._deps, self._proxy = deps, deps.proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _live(receive, send)
        elif scope["type"] == "http":
            path: str = scope["path"].rstrip("/")
            ours = not path or path == "/api" or path.startswith("/api/")
            answer = self._request if ours and scope["method"] != "OPTIONS" else self._deps.api
            await answer(scope, receive, send)

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            origin = check_browser(scope, self._proxy.settings())
            if origin is not None:
                send = with_headers(send, cors_headers(origin))
            await self._dispatch(scope["path"].rstrip("/"), scope, receive, send)
        except ApiError as error:
            await _refuse(error, scope, send)
        except ClientGone:
            return

    async def _dispatch(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        if not path:
            only_head = check_method(scope, "GET", "HEAD") == "HEAD"
            await respond(send, 200, GREETING, content_type=b"text/plain; charset=utf-8", only_head=only_head)
        elif path == "/api/version":
            await self._tell(scope, send, {"version": SPEAKS})
        elif path in ("/api/tags", "/api/ps"):
            await self._list(path, scope, send)
        elif path == "/api/show":
            await self._show(scope, receive, send)
        elif (translate := ASKING.get(path)) is not None:
            check_method(scope, "POST")
            await self._ask(translate, path, scope, receive, send)
        elif path in MANAGING or path.startswith(FILES):
            await self._send_to_page(receive)
        else:
            raise ApiError(404, "unknown_route", f"There is no route {scope['method'][:20]} {path[:200]} here.")

    async def _tell(self, scope: Scope, send: Send, content: dict[str, object]) -> None:
        only_head = check_method(scope, "GET", "HEAD") == "HEAD"
        await respond(send, 200, json_bytes(content), [(b"cache-control", b"no-store")], only_head=only_head)

    async def _list(self, path: str, scope: Scope, send: Send) -> None:
        table = self._proxy.gate.identify(scope).visible(self._proxy.routes())
        shelf, node = self._deps.shelf(), self._proxy.node()
        if path == "/api/tags":
            content = tags(table, shelf, node)
        else:
            serving, idle_for = self._proxy.settings().serving, self._proxy.meter.idle_for
            content = loaded(table, shelf, node, serving, idle_for, time.time())
        await self._tell(scope, send, content)

    async def _show(self, scope: Scope, receive: Receive, send: Send) -> None:
        check_method(scope, "POST")
        body = await self._body(scope, receive)
        route = self._find(scope, read(body, Named).wanted)
        await respond(send, 200, json_bytes(shown(route, self._deps.shelf(), self._proxy.node())))

    async def _ask(self, translate: Translate, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        started = time.monotonic()
        try:
            body = await self._body(scope, receive)
            asked = translate(body)
            if not asked.path:
                self._find(scope, asked.model)
        except ApiError as error:  # others are in the books of the relay
            meter = self._proxy.meter
            meter.end(meter.begin(path, request_id(scope).decode("ascii"), client_address(scope)), error.status)
            raise
        teller = Teller(asked, started)
        if not asked.path:
            told = teller.wordless()
            kind, content = (NDJSON, line(told)) if asked.stream else (b"application/json", json_bytes(told))
            await respond(send, 200, content, ignored_header(asked), content_type=kind)
            return
        question, reply = Question(asked.body, receive), Reply(teller, send)
        await self._deps.relay(inner_scope(scope, asked), question.receive, reply.send)
        await reply.finish(gone=question.gone)

    async def _body(self, scope: Scope, receive: Receive) -> bytes:
        """Of a client that may ask at all. Raises ApiError."""
        limit = self._proxy.settings().api.max_body_mib
        try:
            self._proxy.gate.identify(scope)
        except ApiError:
            await discard(receive, limit * MIB, DISCARD_SECONDS)
            raise
        return await read_body(scope, receive, limit)

    def _find(self, scope: Scope, name: str) -> Route:
        """Raises ApiError (403, 404)."""
        real = AUTO if name == f"{AUTO}:latest" else name
        table = self._proxy.gate.identify(scope).narrowed(self._proxy.routes(), real)
        route = table.shown(real)
        if route is None:
            raise errors.model_not_found(name, table.nearest(name))
        return route

    async def _send_to_page(self, receive: Receive) -> None:
        await discard(receive, self._proxy.settings().api.max_body_mib * MIB, DISCARD_SECONDS)
        raise ApiError(
            403,
            "managed_elsewhere",
            "Models of this box are fetched and removed on its page, not by programs: open its port "
            f"{self._proxy.node().web_port} in a browser and go to Models.",
        )


async def _live(receive: Receive, send: Send) -> None:
    """Nothing here begins or ends: the relay belongs to the API's own port."""
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await send({"type": "lifespan.shutdown.complete"})


async def _refuse(error: ApiError, scope: Scope, send: Send) -> None:
    headers = [*error.headers, (b"x-request-id", request_id(scope))]
    await respond(send, error.status, json_bytes({"error": error.message}), headers)
