"""A step of the first set-up: what the box has, and whether it computes right."""

from __future__ import annotations

from litestar import get, post
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Page
from webui.pages.gpus import view
from webui.pages.setup import reach
from webui.views.frame import NavEntry
from webui.views.setup import steps

NAV: NavEntry | None = None


def live_page(context: Context) -> LivePage | None:
    return LivePage(context.templates, "setup/hardware.html", ("machine",), view)


def handlers(context: Context) -> list[ControllerRouterHandler]:
    @get("/setup/hardware", sync_to_thread=False)
    def show(request: AnyRequest) -> Page:
        values = view(context.deps.loop.outlook)
        return context.page(request, "setup/hardware.html", live="setup_hardware", steps=steps("hardware"), **values)

    @post("/setup/hardware", status_code=200)
    async def go_on() -> Redirect:
        await reach(context, "model")
        return Redirect("/setup/model", status_code=303)

    return [show, go_on]
