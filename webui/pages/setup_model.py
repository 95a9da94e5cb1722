"""A step of the first set-up: a first model."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from appliance.run_loop import Outlook
from webui.live import LivePage, View
from webui.pages.context import AnyRequest, Context, Page
from webui.pages.setup import reach
from webui.views.catalog import Recommender
from webui.views.frame import NavEntry
from webui.views.jobs import job_rows
from webui.views.models import LibraryRows, models_view
from webui.views.setup import steps

NAV: NavEntry | None = None


def make_view() -> View:
    rows, recommend = LibraryRows(), Recommender()

    def view(outlook: Outlook) -> dict[str, Any]:
        models = models_view(outlook, rows)
        return {
            "models": models,
            "jobs": job_rows(outlook.snapshot.jobs.values(), models.loadable),
            "recommended": recommend(outlook.snapshot),
        }

    return view


def live_page(context: Context) -> LivePage | None:
    return LivePage(context.templates, "setup/model.html", ("models", "recommended"), make_view())


def handlers(context: Context) -> list[ControllerRouterHandler]:
    view = make_view()

    @get("/setup/model", sync_to_thread=False)
    def show(request: AnyRequest) -> Page:
        outlook = context.deps.loop.outlook
        return context.page(
            request,
            "setup/model.html",
            live="setup_model",
            steps=steps("model"),
            **view(outlook),
        )

    @post("/setup/model", status_code=200)
    async def go_on() -> Redirect:
        await reach(context, "done")
        return Redirect("/setup/done", status_code=303)

    return [show, go_on]
