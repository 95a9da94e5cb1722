"""What computes here: accelerators, processor, memory, live."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.types import ControllerRouterHandler

from appliance.run_loop import Outlook
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Page
from webui.views.frame import NavEntry
from webui.views.gpus import gpus_view

NAV: NavEntry | None = NavEntry("GPUs", "/gpus", "gpu", "Serve")
BLOCKS = ("accelerators", "processor")


def view(outlook: Outlook) -> dict[str, Any]:
    return {"hardware": gpus_view(outlook)}


def live_page(context: Context) -> LivePage | None:
    return LivePage(context.templates, "gpus.html", BLOCKS, view)


def handlers(context: Context) -> list[ControllerRouterHandler]:
    @get("/gpus", sync_to_thread=False)
    def show(request: AnyRequest) -> Page:
        return context.page(request, "gpus.html", live="gpus", **view(context.deps.loop.outlook))

    return [show]
