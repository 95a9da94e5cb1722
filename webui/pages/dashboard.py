"""The first page: how the box is, what it serves, what it has, what needs care."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.types import ControllerRouterHandler

from appliance.run_loop import Outlook
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Page
from webui.views.connect import connection, example_model
from webui.views.frame import NavEntry
from webui.views.hardware import hardware_view
from webui.views.issues import SHOWN_AT_FIRST, visible_cards
from webui.views.serving import headline, model_cards

NAV: NavEntry | None = NavEntry("Dashboard", "/", "home", "Overview")
BLOCKS = ("headline", "issues", "serving", "hardware")


def view(outlook: Outlook) -> dict[str, Any]:
    issues = visible_cards(outlook.decision.issues)
    return {
        "headline": headline(outlook),
        "issues": issues[:SHOWN_AT_FIRST],
        "further_issues": len(issues[SHOWN_AT_FIRST:]),
        "models": model_cards(outlook),
        "hardware": hardware_view(outlook.snapshot.inventory),
    }


def live_page(context: Context) -> LivePage | None:
    return LivePage(context.templates, "dashboard.html", BLOCKS, view)


def handlers(context: Context) -> list[ControllerRouterHandler]:
    loop = context.deps.loop

    @get("/", sync_to_thread=False)
    def show(request: AnyRequest) -> Page:
        outlook = loop.outlook
        reach = connection(
            request.headers.get("host", "localhost"),
            outlook.snapshot.node.api_port,
            example_model(outlook),
            needs_key=outlook.snapshot.settings.api.require_key,
        )
        unfinished = outlook.snapshot.settings.setup != "done"
        return context.page(
            request, "dashboard.html", live="dashboard", unfinished=unfinished, connection=reach, **view(outlook)
        )

    return [show]
