"""Talk to a model of this box. The page's script asks the API through this port, with the login of the page."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.types import ControllerRouterHandler

from appliance.run_loop import Outlook
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Page
from webui.views.chat import chat_models
from webui.views.frame import NavEntry
from webui.views.serving import headline

NAV: NavEntry | None = NavEntry("Chat", "/chat", "chat", "Use")
BLOCKS = ("choices",)


def view(outlook: Outlook) -> dict[str, Any]:
    return {"models": chat_models(outlook), "headline": headline(outlook)}


def live_page(context: Context) -> LivePage | None:
    return LivePage(context.templates, "chat.html", BLOCKS, view)


def handlers(context: Context) -> list[ControllerRouterHandler]:
    @get("/chat", sync_to_thread=False)
    def show(request: AnyRequest) -> Page:
        return context.page(request, "chat.html", live="chat", **view(context.deps.loop.outlook))

    return [show]
