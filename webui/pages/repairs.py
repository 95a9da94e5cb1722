"""Everything that needs care, with its buttons; and what a person does not want to see until it happens again."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from appliance.api.routes.issues import apply_fix, hide_issue, show_issue
from appliance.run_loop import Outlook
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Form, Page, done, safe_target
from webui.views.frame import NavEntry
from webui.views.issues import hidden_cards, visible_cards

NAV: NavEntry | None = NavEntry("Repairs", "/repairs", "repair", "This box")
BLOCKS = ("troubles", "hidden_troubles")


def view(outlook: Outlook) -> dict[str, Any]:
    issues = outlook.decision.issues
    return {"issues": visible_cards(issues), "hidden": hidden_cards(issues)}


def live_page(context: Context) -> LivePage | None:
    return LivePage(context.templates, "repairs.html", BLOCKS, view)


def handlers(context: Context) -> list[ControllerRouterHandler]:
    deps = context.deps

    @get("/repairs", sync_to_thread=False)
    def show(request: AnyRequest) -> Page:
        return context.page(request, "repairs.html", live="repairs", **view(deps.loop.outlook))

    @post("/repairs/fix", status_code=200, sync_to_thread=False)
    def fix(data: Form) -> Redirect:
        apply_fix(deps, _id(data))
        return done(_back(data), "trying_again")

    @post("/repairs/dismiss", status_code=200, sync_to_thread=False)
    def dismiss(data: Form) -> Redirect:
        hide_issue(deps, _id(data))
        return done(_back(data), "hidden")

    @post("/repairs/restore", status_code=200, sync_to_thread=False)
    def restore(data: Form) -> Redirect:
        show_issue(deps, _id(data))
        return done(_back(data), "shown")

    return [show, fix, dismiss, restore]


def _id(data: dict[str, str]) -> str:
    return str(data.get("id", ""))


def _back(data: dict[str, str]) -> str:
    return "/" if safe_target(str(data.get("back", ""))) == "/" else "/repairs"
