"""Logging in and out, light and dark."""

from __future__ import annotations

from typing import Any

from litestar import Request, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from appliance.api.access import Refused
from appliance.api.login import PUBLIC, SESSION, address_of, agent_of, cookie_name, token_of
from appliance.api.problems import STATUS_OF_REFUSAL
from webui.live import LivePage
from webui.pages.context import STRANGERS_BYTES, THEMES, AnyRequest, Context, Form, Page, enter, safe_target
from webui.views.frame import NavEntry

NAV: NavEntry | None = None
YEAR = 365 * 86400


def live_page(_context: Context) -> LivePage | None:
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:  # noqa: C901 - a list of handlers
    deps = context.deps

    @get("/login", opt={PUBLIC: True}, sync_to_thread=False)
    def show_login(request: AnyRequest, next: FromQuery[str] = "/") -> Page | Redirect:  # noqa: A002 - the name in the address
        if not deps.access.claimed:
            return Redirect("/setup", status_code=303)
        if request.scope["state"].get(SESSION):
            return Redirect(safe_target(next), status_code=303)
        return context.page(request, "login.html", target=safe_target(next), error=None)

    @post("/login", opt={PUBLIC: True}, status_code=200, request_max_body_size=STRANGERS_BYTES)
    async def do_login(request: AnyRequest, data: Form) -> Page | Redirect:
        target = safe_target(str(data.get("next", "/")))
        try:
            password = str(data.get("password", ""))
            token = await deps.access.login(password, address_of(request), agent_of(request))
        except Refused as refused:
            status = STATUS_OF_REFUSAL[refused.code]
            return context.page(request, "login.html", status=status, target=target, error=refused.detail)
        return enter(deps, token, target)

    @post("/logout", status_code=200)
    async def do_logout(request: Request[Any, Any, Any]) -> Redirect:
        node_id = deps.loop.outlook.snapshot.node.id
        if (token := token_of(request, node_id)) is not None:
            await deps.access.logout(token)
        gone = Cookie(key=cookie_name(node_id), value="", max_age=0, path="/", httponly=True, samesite="lax")
        return Redirect("/login", status_code=303, cookies=[gone])

    @post("/theme", opt={PUBLIC: True}, status_code=200, sync_to_thread=False, request_max_body_size=STRANGERS_BYTES)
    def choose_theme(data: Form) -> Redirect:
        theme = data.get("theme", "auto")
        chosen = Cookie(key="theme", value=theme if theme in THEMES else "auto", max_age=YEAR, path="/", samesite="lax")
        return Redirect(safe_target(str(data.get("back", "/"))), status_code=303, cookies=[chosen])

    return [show_login, do_login, do_logout, choose_theme]
