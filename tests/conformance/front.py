"""The API before one engine, on the engine's own paths: what we promise goes through it, all else straight on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp

from appliance.models.types import Ability
from appliance.node.snapshot import NodeFacts
from appliance.proxy.app import ApiApp, ProxyDeps, create_api_app
from appliance.proxy.asgi import Receive, Scope, Send
from appliance.proxy.endpoints import ENGINE_PATHS
from appliance.proxy.errors import ApiError
from appliance.proxy.gate import OPEN_GATE, Gate, credentials
from appliance.proxy.meter import RequestMeter, Ticket
from appliance.proxy.permit import NO_KEY, Permit
from appliance.routing.table import Endpoint, Route, RouteState, RoutingTable
from appliance.settings.schema import Settings

# Other names by which the engine knows what we promise.
SAME = {
    "/chat/completions": "/v1/chat/completions",
    "/responses": "/v1/responses",
    "/rerank": "/v1/rerank",
    "/reranking": "/v1/rerank",
    "/v1/reranking": "/v1/rerank",
    "/audio/transcriptions": "/v1/audio/transcriptions",
    "/models": "/v1/models",
}
NODE = NodeFacts(id="n-stand-in", version="0.0.0", flavor="cpu", started_at=0.0, api_port=0, web_port=0)
HOP_BY_HOP = frozenset({"host", "connection", "content-length", "transfer-encoding", "keep-alive", "content-encoding"})


def promised(path: str) -> str | None:
    """The path by which :9337 answers this; None for what it does not."""
    ours = SAME.get(path, path)
    return ours if ours in ENGINE_PATHS or ours == "/v1/models" else None


@dataclass(frozen=True, slots=True)
class Given:
    """What the tests said on the command line of the engine."""

    hosts: tuple[str, ...]
    port: int
    alias: str
    key: str
    abilities: frozenset[Ability]
    modalities: tuple[str, ...]

    @classmethod
    def on(cls, arguments: list[str]) -> Given:
        def value(name: str, default: str = "") -> str:
            return arguments[arguments.index(name) + 1] if name in arguments else default

        return cls(
            hosts=tuple(value("--host", "127.0.0.1").split(",")),
            port=int(value("--port")),
            alias=min(value("--alias", "engine").split(",")),  # the engine takes the first of the alphabet too
            key=value("--api-key"),
            abilities=_abilities(arguments),
            modalities=("text", "image") if "--mmproj" in arguments else ("text",),
        )


def _abilities(arguments: list[str]) -> frozenset[Ability]:
    if "--reranking" in arguments:
        return frozenset({Ability.RERANK})
    talks = frozenset({Ability.CHAT, Ability.COMPLETION})
    return talks | {Ability.EMBEDDING} if "--embedding" in arguments else talks


class AnyName(dict[str, str]):
    """A bare engine answers whatever it is called."""

    def __init__(self, model: str) -> None:
        super().__init__()
        self._model = model

    def get(self, _name: str, _default: object = None) -> str:
        return self._model


class OneKey(Gate):
    """The engine's own key in place of ours, which look different."""

    def __init__(self, key: str) -> None:
        self._key = key

    def identify(self, scope: Scope) -> Permit:
        if self._key not in credentials(scope):
            raise ApiError(401, "invalid_api_key", "This is not the key.")
        return NO_KEY

    def admit(self, scope: Scope, _ticket: Ticket) -> Permit:
        return self.identify(scope)


def api_before(engine: Endpoint, given: Given) -> ApiApp:
    route = Route(given.alias, RouteState.READY, given.abilities, modalities=given.modalities, endpoint=engine)
    table = RoutingTable({given.alias: route}, AnyName(given.alias))
    return create_api_app(
        ProxyDeps(
            routes=lambda: table,
            settings=Settings,
            node=lambda: NODE,
            meter=RequestMeter(),
            stopping=asyncio.Event(),
            wake=lambda _: None,
            gate=OneKey(given.key) if given.key else OPEN_GATE,
        )
    )


class Front:
    """ASGI: our application, and beside it a relay without any thought."""

    def __init__(self, api: ApiApp, engine: Endpoint, session: aiohttp.ClientSession) -> None:
        self._api, self._engine, self._session = api, engine, session
        self.direct = api.direct  # what is plain takes its short way here as well

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._api(scope, receive, send)
        elif (path := promised(scope["path"])) is not None:
            await self._api({**scope, "path": path}, receive, send)
        else:
            await self._straight_on(scope, receive, send)

    async def _straight_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        query = scope["query_string"].decode("latin-1")
        url = f"http://{self._engine.host}:{self._engine.port}{scope['path']}" + (f"?{query}" if query else "")
        body = await _whole(receive)
        async with self._session.request(scope["method"], url, data=body, headers=_passed(scope)) as answer:
            headers = [(k.encode(), v.encode()) for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP]
            await send({"type": "http.response.start", "status": answer.status, "headers": headers})
            async for piece in answer.content.iter_any():
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _passed(scope: Scope) -> Mapping[str, Any]:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
    return {name: value for name, value in headers.items() if name.lower() not in HOP_BY_HOP}


async def _whole(receive: Receive) -> bytes:
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)
