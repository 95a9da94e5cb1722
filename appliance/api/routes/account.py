"""Claim the box, log in, log out."""

from __future__ import annotations

import contextlib
from typing import Any

from litestar import Request, Response, post
from litestar.datastructures import Cookie
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.api.login import PUBLIC, address_of, agent_of, cookie_name, token_of
from appliance.api.requests import LoginBody, SetupBody
from appliance.storage.errors import StorageFailed


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    node_id = deps.loop.outlook.snapshot.node.id

    @post("/api/setup", opt={PUBLIC: True}, status_code=200)
    async def setup(request: Request[Any, Any, Any], data: JSONBody[SetupBody]) -> Response[dict[str, str]]:
        """Claims the box with the code from its log; works once."""
        token = await claim(deps, data.code, data.password, data.node_name, request)
        return logged_in(deps, token)

    @post("/api/login", opt={PUBLIC: True}, status_code=200)
    async def login(request: Request[Any, Any, Any], data: JSONBody[LoginBody]) -> Response[dict[str, str]]:
        """Gives a token, and a cookie for browsers."""
        token = await deps.access.login(data.password, address_of(request), agent_of(request))
        return logged_in(deps, token)

    @post("/api/logout", status_code=204)
    async def logout(request: Request[Any, Any, Any]) -> Response[None]:
        """Ends this login."""
        if (token := token_of(request, node_id)) is not None:
            await deps.access.logout(token)
        return Response(None, cookies=[session_cookie(deps, "", 0)])

    return [setup, login, logout]


async def claim(deps: ApiDeps, code: str, password: str, node_name: str | None, request: Request[Any, Any, Any]) -> str:
    """Makes the box belong to whoever knows the code; returns the token of his first login."""
    await deps.access.claim(code, password, address_of(request))
    if node_name is not None and "node.name" not in deps.settings.locked:
        with contextlib.suppress(StorageFailed):  # the box is his all the same; the page shows the trouble as an issue
            await deps.settings.change({"node": {"name": node_name}}, revision=None)
    return await deps.access.login(password, address_of(request), agent_of(request))


def logged_in(deps: ApiDeps, token: str) -> Response[dict[str, str]]:
    lasts = deps.settings.current.web.session_days * 86400
    return Response({"token": token}, cookies=[session_cookie(deps, token, lasts)])


def session_cookie(deps: ApiDeps, token: str, lasts: int) -> Cookie:
    """No Secure: a box on a LAN speaks plain HTTP."""
    name = cookie_name(deps.loop.outlook.snapshot.node.id)
    return Cookie(key=name, value=token, max_age=lasts, path="/", httponly=True, samesite="lax")
