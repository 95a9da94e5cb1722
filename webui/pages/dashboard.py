"""The first page: how the box is, what it serves, what it has, what needs care."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from appliance.api.routes.state import apply_fix
from appliance.run_loop import Outlook
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Form, Page
from webui.views.connect import connection, example_model
from webui.views.frame import NavEntry
from webui.views.hardware import hardware_view
from webui.views.issues import issue_cards
from webui.views.serving import headline, model_cards

NAV: NavEntry | None = NavEntry("Dashboard", "/", "home", "Overview")
BLOCKS = ("headline", "issues", "serving", "hardware")


def view(outlook: Outlook) -> dict[str, Any]:
    return {
        "headline": headline(outlook),
        "issues": issue_cards(outlook.decision.issues),
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
            request.headers.get("host", "localhost"), outlook.snapshot.node.api_port, example_model(outlook)
        )
        return context.page(request, "dashboard.html", live="dashboard", connection=reach, **view(outlook))

    @post("/issues/fix", status_code=200, sync_to_thread=False)
    def fix(data: Form) -> Redirect:
        apply_fix(context.deps, str(data.get("id", "")))
        return Redirect("/", status_code=303)

    return [show, fix]
