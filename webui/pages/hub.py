"""The owner's account on the hub: a token for models that are given only to some. It is never shown again."""

from __future__ import annotations

from litestar import get, post
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from appliance.models.hub_token import BadToken
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Form, Page, done
from webui.views.frame import NavEntry

NAV: NavEntry | None = None


def live_page(_context: Context) -> LivePage | None:
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:
    hub = context.deps.models.hub

    async def page(request: AnyRequest, errors: dict[str, str], status: int) -> Page:
        known = await hub.token.known()
        return context.page(request, "hub.html", status=status, endpoint=hub.endpoint, known=known, errors=errors)

    @get("/hub")
    async def show(request: AnyRequest) -> Page:
        return await page(request, {}, 200)

    @post("/hub", status_code=200)
    async def store(request: AnyRequest, data: Form) -> Page | Redirect:
        try:
            await hub.token.set(str(data.get("token", "")))
        except BadToken as problem:
            return await page(request, {"token": problem.detail}, 422)
        return done("/hub", "token_stored")

    @post("/hub/forget", status_code=200)
    async def forget() -> Redirect:
        await hub.token.clear()
        return done("/hub", "token_removed")

    return [show, store, forget]
