"""The password of the box, and who is logged in with it."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.api.login import address_of, token_of
from appliance.api.problems import Problem
from appliance.api.requests import PasswordBody
from appliance.api.times import timestamp
from appliance.storage.sessions import Session, session_id

Json = dict[str, Any]
AnyRequest = Request[Any, Any, Any]


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    @post("/api/password", status_code=200)
    async def password(request: AnyRequest, data: JSONBody[PasswordBody]) -> Json:
        """Changes the password; every login ends but this one."""
        ended = await deps.access.change_password(data.current, data.new, own_token(deps, request), address_of(request))
        return {"ended": ended}

    @get("/api/sessions")
    async def sessions(request: AnyRequest) -> Json:
        """Who is logged in, the latest used first."""
        own = session_id(own_token(deps, request))
        return {"sessions": [_document(one, session, own) for one, session in (await deps.access.sessions()).items()]}

    @delete("/api/sessions/{login_id:str}")
    async def end(login_id: FromPath[str]) -> None:
        """Ends one login."""
        await end_session(deps, login_id)

    @delete("/api/sessions", status_code=200)
    async def end_others(request: AnyRequest) -> Json:
        """Ends every login but this one."""
        return {"ended": await deps.access.end_other_sessions(own_token(deps, request))}

    return [password, sessions, end, end_others]


def own_token(deps: ApiDeps, request: AnyRequest) -> str:
    return token_of(request, deps.loop.outlook.snapshot.node.id) or ""


async def end_session(deps: ApiDeps, login_id: str) -> None:
    if not await deps.access.end_session(login_id):
        raise Problem(404, "unknown_session", "There is no such login any more.")


def _document(login_id: str, session: Session, own: str) -> Json:
    return {
        "id": login_id,
        "made_at": timestamp(session.made_at),
        "used_at": timestamp(session.used_at),
        "address": session.address,
        "agent": session.agent,
        "current": login_id == own,
    }
