"""Finds out who asks: the bearer token or the cookie of a request, and the guard of every route that needs a login."""

from __future__ import annotations

from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import BaseRouteHandler

from appliance.api.access import Access

PUBLIC = "public"  # in a handler's opt: open without a login
SESSION = "meshbox_session"  # where the middleware leaves the login in the connection's state
STILL_KNOWN = "meshbox_still_known"  # and where the way to ask again, for answers that go on for long

Connection = ASGIConnection[Any, Any, Any, Any]


def cookie_name(node_id: str) -> str:
    """Boxes on one host share its cookies; each has a name of its own."""
    return f"meshbox_{node_id[:8]}"


def token_of(connection: Connection, node_id: str) -> str | None:
    scheme, _, token = connection.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token.strip()
    return connection.cookies.get(cookie_name(node_id))


async def look_up(connection: Connection, access: Access, node_id: str) -> bool:
    token = token_of(connection, node_id)
    return token is not None and await access.session(token) is not None


async def require_login(connection: Connection, handler: BaseRouteHandler) -> None:
    """A guard: lets in who is logged in, and everybody to what is public."""
    if handler.opt.get(PUBLIC) or connection.scope["state"].get(SESSION):
        return
    raise NotAuthorizedException


def address_of(connection: Connection) -> str:
    return connection.client.host if connection.client else ""


def agent_of(connection: Connection) -> str:
    """What the browser or program calls itself."""
    return connection.headers.get("user-agent", "")
