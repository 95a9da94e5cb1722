"""Talk to a model of this box. The page's script asks the API through this port, with the login of the page."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.types import ControllerRouterHandler

from appliance.run_loop import Outlook
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Page
from webui.views import chat_models, headline

BLOCKS = ("choices",)


def view(outlook: Outlook) -> dict[str, Any]:
    return {"models": chat_models(outlook), "headline": headline(outlook)}


def live_page(context: Context) -> LivePage:
    return LivePage(context.templates, "chat.html", BLOCKS, view)


def handlers(context: Context) -> list[ControllerRouterHandler]:
    @get("/chat", sync_to_thread=False)
    def show(request: AnyRequest) -> Page:
        return context.page(request, "chat.html", **view(context.deps.loop.outlook))

    return [show]
