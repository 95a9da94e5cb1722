"""Models: what is served, what lies on the disk, what is being fetched, and what the hub has."""

from __future__ import annotations

import asyncio
from typing import Annotated, Any

from litestar import get, post
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from appliance.api import serving
from appliance.api.problems import Problem
from appliance.api.routes.jobs import all_jobs, end_job
from appliance.api.serving import ServeBody
from appliance.jobs.cleanup import removable
from appliance.jobs.cleanup import unused as unused_models
from appliance.jobs.shelf import Removal
from appliance.models.failed import ModelProblem
from appliance.models.hub import Sort
from appliance.models.refs import BadRef, RepoRef
from appliance.run_loop import Outlook
from webui.live import LivePage, View
from webui.pages.context import AnyRequest, Context, Form, Page, done, safe_target
from webui.views.catalog import Recommender, catalog, names_like
from webui.views.cleanup import DAY_SECONDS, CleanupView, cleanup_view, seen_and_unused
from webui.views.fit import verdict_of_size
from webui.views.frame import NavEntry
from webui.views.jobs import WANT_TOKEN, job_rows
from webui.views.models import LibraryRows, models_view
from webui.views.offers import SORTS, found_rows, offer
from webui.views.origins import Books

NAV: NavEntry | None = NavEntry("Models", "/models", "models", "Serve")
BLOCKS = ("served", "work", "library", "recommended")
MOST_DAYS = 3650
MOST_FOUND = 30
MOST_BESIDE = 8  # beside a model of the catalogue


def books_of(context: Context) -> Books:
    work = context.deps.models

    def source(path: str) -> str | None:
        file = work.shelf.of_path(path)
        return file.source if file else None

    return Books(source, work.usage.last)


def view_of(context: Context) -> View:
    rows, recommend = LibraryRows(books_of(context)), Recommender()

    def view(outlook: Outlook) -> dict[str, Any]:
        models = models_view(outlook, rows)
        return {
            "models": models,
            "jobs": job_rows(outlook.snapshot.jobs.values(), models.loadable),
            "recommended": recommend(outlook.snapshot),
        }

    return view


def live_page(context: Context) -> LivePage | None:
    return LivePage(context.templates, "models.html", BLOCKS, view_of(context))


def handlers(context: Context) -> list[ControllerRouterHandler]:  # noqa: C901 - a list of handlers
    deps, view = context.deps, view_of(context)

    @get("/models")
    async def show(
        request: AnyRequest,
        q: FromQuery[str] = "",
        sort: FromQuery[str] = "downloads",
        ability: FromQuery[str] = "",
        unused: Annotated[int | None, QueryParameter(ge=1, le=MOST_DAYS)] = None,
    ) -> Page:
        snapshot = deps.loop.outlook.snapshot
        return context.page(
            request,
            "models.html",
            live="models",
            q=q[:500],
            sort=sort,
            sorts=SORTS,
            folder=str(deps.models.models_folder),
            hub=deps.models.hub.host,
            cleanup=CleanupView() if unused is None else await _cleanup(context, unused),
            catalog=await asyncio.to_thread(catalog, ability, snapshot),
            **await _look(context, q[:500].strip(), sort),
            **view(deps.loop.outlook),
        )

    @post("/models/fetch", status_code=200)
    async def fetch(data: Form) -> Redirect:
        await deps.models.downloads.start(str(data.get("ref", "")).strip())
        return done(_back(data), "fetching")

    @post("/models/load", status_code=200)
    async def load(data: Form) -> Redirect:
        await serving.load(deps, ServeBody(model=str(data.get("model", ""))))
        return done(_back(data), "loading")

    @post("/models/unload", status_code=200)
    async def unload(data: Form) -> Redirect:
        await serving.unload(deps, str(data.get("model", "")))
        return done(_back(data), "unloaded")

    @post("/models/sleep", status_code=200, sync_to_thread=False)
    def sleep(data: Form) -> Redirect:
        serving.sleep(deps, str(data.get("model", "")))
        return done(_back(data), "asleep")

    @post("/models/wake", status_code=200, sync_to_thread=False)
    def wake(data: Form) -> Redirect:
        serving.wake(deps, str(data.get("model", "")))
        return done(_back(data), "loading")

    @post("/models/delete", status_code=200)
    async def delete(data: Form) -> Redirect:
        removal = await removable(deps.models.shelf, str(data.get("model", "")), deps.loop.outlook)
        await deps.models.shelf.remove([removal])
        return done("/models", "deleted")

    @post("/models/cleanup", status_code=200)
    async def cleanup(data: Form) -> Redirect:
        removals = await _unused(context, _days(str(data.get("days", ""))))
        await deps.models.shelf.remove(seen_and_unused(str(data.get("models", "")), removals))
        return done("/models", "cleaned_up")

    @post("/models/jobs/{job_id:str}/cancel", status_code=200)
    async def cancel(job_id: FromPath[str], data: Form) -> Redirect:
        await end_job(deps, job_id)
        return done(_back(data), "cancelled")

    @post("/models/jobs/{job_id:str}/dismiss", status_code=200)
    async def dismiss(job_id: FromPath[str], data: Form) -> Redirect:
        job = all_jobs(deps).get(job_id)
        if job is not None and job.ended:
            await end_job(deps, job_id)
        return done(_back(data), "dismissed")

    @post("/models/jobs/{job_id:str}/retry", status_code=200)
    async def again(job_id: FromPath[str], data: Form) -> Redirect:
        await deps.models.downloads.retry(job_id)
        return done(_back(data), "fetching")

    return [show, fetch, load, unload, sleep, wake, delete, cleanup, cancel, dismiss, again]


async def _cleanup(context: Context, days: int) -> CleanupView:
    return cleanup_view(days, await _unused(context, days), books_of(context))


async def _unused(context: Context, days: int) -> list[Removal]:
    work, outlook = context.deps.models, context.deps.loop.outlook
    return await unused_models(work.shelf, work.usage, outlook, context.deps.clock() - days * DAY_SECONDS)


def _days(typed: str) -> int:
    if not typed.isdecimal() or len(typed) > 6 or not 1 <= int(typed) <= MOST_DAYS:
        raise Problem(422, "invalid", f"The age must be a number of days from 1 to {MOST_DAYS}.")
    return int(typed)


def _back(data: dict[str, str]) -> str:
    return safe_target(str(data.get("back", "/models")))


async def _look(context: Context, query: str, sort: str) -> dict[str, Any]:
    """What there is for the words of a person: one model when they name one, else what a search finds."""
    nothing: dict[str, Any] = {"offer": None, "found": None, "trouble": None, "wants_token": False, "near": ()}
    if not query:
        return nothing
    work, snapshot = context.deps.models, context.deps.loop.outlook.snapshot
    try:
        ref = work.planner.parse(query)
    except BadRef as problem:
        if query.startswith("/") or "://" in query:  # no words to search for
            return nothing | {"trouble": problem.detail}
        ref = None
        nothing["near"] = names_like(query)
    try:
        if ref is None or (isinstance(ref, RepoRef) and " " in query and "/" in query):
            order: Sort = next((value for value, _ in SORTS if value == sort), "downloads")
            return nothing | {"found": found_rows(await work.hub.search(query, order, MOST_FOUND), snapshot)}
        if "/" not in query:  # a name of the catalogue: what else is called so may be meant as well
            nothing["found"] = found_rows(await work.hub.search(query, "downloads", MOST_BESIDE), snapshot)
        resolved = await work.planner.resolve(ref)
    except (ModelProblem, Problem) as problem:
        return nothing | {"trouble": problem.detail, "wants_token": problem.code in WANT_TOKEN}
    return nothing | {"offer": offer(query, ref, resolved, verdict_of_size(resolved.plan.size, snapshot))}
