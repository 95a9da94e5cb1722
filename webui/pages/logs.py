"""The latest lines of the log, the newest first."""

from __future__ import annotations

from datetime import datetime

from litestar import get
from litestar.params import FromQuery
from litestar.types import ControllerRouterHandler

from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Page
from webui.views.frame import NavEntry

NAV: NavEntry | None = NavEntry("Logs", "/logs", "logs", "This box")
SHOWN = 300


def live_page(_context: Context) -> LivePage | None:
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:
    @get("/logs", sync_to_thread=False)
    def show(request: AnyRequest, level: FromQuery[str] = "all") -> Page:
        grave = ("warning", "error", "critical")
        lines = [x for x in context.deps.logs.lines() if level != "grave" or x.level in grave]
        rows = [(datetime.fromtimestamp(x.at).astimezone().strftime("%H:%M:%S"), x) for x in reversed(lines[-SHOWN:])]
        return context.page(request, "logs.html", rows=rows, level=level)

    return [show]
