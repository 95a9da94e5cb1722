"""Claiming the box, logging in and out, light and dark."""

from __future__ import annotations

from typing import Any

from litestar import Request, get, post
from litestar.datastructures import Cookie
from litestar.params import FromQuery
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError

from appliance.api.access import Refused
from appliance.api.login import PUBLIC, SESSION, address_of, cookie_name, token_of
from appliance.api.problems import STATUS_OF_REFUSAL
from appliance.api.requests import SetupBody
from appliance.api.routes.account import claim, session_cookie
from appliance.storage.errors import StorageFailed
from webui.live import LivePage
from webui.pages.context import THEMES, AnyRequest, Context, Form, Page, safe_target
from webui.views.frame import NavEntry

NAV: NavEntry | None = None
YEAR = 365 * 86400

_FIELD_OF = {"wrong_code": "code", "password_too_short": "password", "password_too_long": "password"}


def live_page(_context: Context) -> LivePage | None:
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:  # noqa: C901 - a list of handlers
    deps = context.deps

    def enter(token: str, target: str) -> Redirect:
        lasts = deps.settings.current.web.session_days * 86400
        return Redirect(target, status_code=303, cookies=[session_cookie(deps, token, lasts)])

    def setup_page(request: AnyRequest, values: dict[str, str], errors: dict[str, str], status: int) -> Page:
        name = values.get("node_name") or deps.settings.current.node.name
        locked = "node.name" in deps.settings.locked
        return context.page(
            request, "setup.html", status=status, code=values.get("code", ""), name=name, locked=locked, errors=errors
        )

    @get("/setup", opt={PUBLIC: True}, sync_to_thread=False)
    def show_setup(request: AnyRequest, code: FromQuery[str] = "") -> Page | Redirect:
        if deps.access.claimed:
            return Redirect("/", status_code=303)
        return setup_page(request, {"code": code[:40]}, {}, 200)

    @post("/setup", opt={PUBLIC: True}, status_code=200)
    async def do_setup(request: AnyRequest, data: Form) -> Page | Redirect:
        values = {key: str(data.get(key, "")) for key in ("code", "password", "repeat", "node_name")}
        if values["password"] != values["repeat"]:
            return setup_page(request, values, {"repeat": "This is not the same password."}, 422)
        try:
            wanted = SetupBody(
                code=values["code"], password=values["password"], node_name=values["node_name"].strip() or None
            )
            token = await claim(deps, wanted.code, wanted.password, wanted.node_name, address_of(request))
        except ValidationError as error:
            fields = {str(e["loc"][0]): e["msg"] for e in error.errors(include_url=False)}
            return setup_page(request, values, fields, 422)
        except Refused as refused:
            where = _FIELD_OF.get(refused.code, "form")
            return setup_page(request, values, {where: refused.detail}, STATUS_OF_REFUSAL[refused.code])
        except StorageFailed as failure:
            return setup_page(request, values, {"form": failure.detail}, 507)
        return enter(token, "/")

    @get("/login", opt={PUBLIC: True}, sync_to_thread=False)
    def show_login(request: AnyRequest, next: FromQuery[str] = "/") -> Page | Redirect:  # noqa: A002 - the name in the address
        if not deps.access.claimed:
            return Redirect("/setup", status_code=303)
        if request.scope["state"].get(SESSION):
            return Redirect(safe_target(next), status_code=303)
        return context.page(request, "login.html", target=safe_target(next), error=None)

    @post("/login", opt={PUBLIC: True}, status_code=200)
    async def do_login(request: AnyRequest, data: Form) -> Page | Redirect:
        target = safe_target(str(data.get("next", "/")))
        try:
            token = await deps.access.login(str(data.get("password", "")), address_of(request))
        except Refused as refused:
            status = STATUS_OF_REFUSAL[refused.code]
            return context.page(request, "login.html", status=status, target=target, error=refused.detail)
        return enter(token, target)

    @post("/logout", status_code=200)
    async def do_logout(request: Request[Any, Any, Any]) -> Redirect:
        node_id = deps.loop.outlook.snapshot.node.id
        if (token := token_of(request, node_id)) is not None:
            await deps.access.logout(token)
        gone = Cookie(key=cookie_name(node_id), value="", max_age=0, path="/", httponly=True, samesite="lax")
        return Redirect("/login", status_code=303, cookies=[gone])

    @post("/theme", opt={PUBLIC: True}, status_code=200, sync_to_thread=False)
    def choose_theme(data: Form) -> Redirect:
        theme = data.get("theme", "auto")
        chosen = Cookie(key="theme", value=theme if theme in THEMES else "auto", max_age=YEAR, path="/", samesite="lax")
        return Redirect(safe_target(str(data.get("back", "/"))), status_code=303, cookies=[chosen])

    return [show_setup, do_setup, show_login, do_login, do_logout, choose_theme]
