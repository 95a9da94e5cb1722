"""The password of the box, and who is logged in with it: parts of the settings page."""

from __future__ import annotations

from litestar import post
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from appliance.api.access import Refused
from appliance.api.login import address_of
from appliance.api.problems import STATUS_OF_REFUSAL
from appliance.api.routes.sessions import end_session, own_token
from appliance.storage.errors import StorageFailed
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Form, Page
from webui.pages.settings_page import Mishap, saved, settings_page
from webui.views.frame import NavEntry

NAV: NavEntry | None = None
_FIELD_OF = {"password_too_short": "new", "password_too_long": "new"}


def live_page(_context: Context) -> LivePage | None:
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:
    deps = context.deps

    async def refused(request: AnyRequest, name: str, words: str, status: int) -> Page:
        return await settings_page(context, request, Mishap(password={name: words}), status)

    @post("/settings/password", status_code=200)
    async def change_password(request: AnyRequest, data: Form) -> Page | Redirect:
        new, token = data.get("new", ""), own_token(deps, request)
        if new != data.get("repeat", ""):
            return await refused(request, "repeat", "This is not the same password.", 422)
        try:
            await deps.access.change_password(data.get("current", ""), new, token, address_of(request))
        except Refused as no:
            return await refused(request, _FIELD_OF.get(no.code, "current"), no.detail, STATUS_OF_REFUSAL[no.code])
        except StorageFailed as failure:
            return await refused(request, "form", f"The password is as it was: {failure.detail}.", 507)
        return saved("password")

    @post("/settings/sessions/end", status_code=200)
    async def end(data: Form) -> Redirect:
        await end_session(deps, data.get("id", ""))
        return saved("sessions")

    @post("/settings/sessions/end-others", status_code=200)
    async def end_others(request: AnyRequest) -> Redirect:
        await deps.access.end_other_sessions(own_token(deps, request))
        return saved("sessions")

    return [change_password, end, end_others]
