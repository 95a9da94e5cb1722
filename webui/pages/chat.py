"""Talk to a model. The page's script asks the API through this port, with the login of the page."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.types import ControllerRouterHandler

from appliance.run_loop import Outlook
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Page
from webui.render import STATIC
from webui.views.chat import box_names, chat_view
from webui.views.frame import NavEntry

NAV: NavEntry | None = NavEntry("Chat", "/chat", "chat", "Use")
BLOCKS = ("choices",)


def view(outlook: Outlook) -> dict[str, Any]:
    return {"chat": chat_view(outlook), "boxes": box_names(outlook.snapshot)}


def live_page(context: Context) -> LivePage | None:
    return LivePage(context.templates, "chat.html", BLOCKS, view)


def handlers(context: Context) -> list[ControllerRouterHandler]:
    modules = sorted(path.name for path in (STATIC / "chat").glob("*.js"))  # fetched at once, not one after another

    @get("/chat", sync_to_thread=False)
    def show(request: AnyRequest) -> Page:
        outlook = context.deps.loop.outlook
        snapshot = outlook.snapshot
        return context.page(
            request,
            "chat.html",
            live="chat",
            modules=modules,
            api_port=snapshot.node.api_port,
            max_body_mib=snapshot.settings.api.max_body_mib,
            **view(outlook),
        )

    return [show]
