"""What computes here: accelerators, processor, memory, live; tests, measurements, and limits."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler

from appliance.api import gpus as acts
from appliance.hardware.trials import PROCESSOR
from appliance.jobs.trials import KINDS
from appliance.run_loop import Outlook
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Form, Page, done
from webui.views.frame import NavEntry
from webui.views.gpu_limits import NoNumber, limit_rows, read_gib
from webui.views.gpus import gpus_view
from webui.views.jobs import job_rows

NAV: NavEntry | None = NavEntry("GPUs", "/gpus", "gpu", "Serve")
BLOCKS = ("gpu_work", "accelerators", "processor")


def view(outlook: Outlook) -> dict[str, Any]:
    return {"hardware": gpus_view(outlook)}


def _live(outlook: Outlook) -> dict[str, Any]:
    trials = [job for job in outlook.snapshot.jobs.values() if job.kind in KINDS]
    return {**view(outlook), "jobs": job_rows(trials, frozenset())}


def live_page(context: Context) -> LivePage | None:
    return LivePage(context.templates, "gpus.html", BLOCKS, _live)


def handlers(context: Context) -> list[ControllerRouterHandler]:  # noqa: C901 - a list of handlers
    deps = context.deps

    def page(request: AnyRequest, typed: dict[str, str], status: int, error: str = "") -> Page:
        outlook = deps.loop.outlook
        limits = limit_rows(outlook.snapshot, typed, error)
        return context.page(request, "gpus.html", live="gpus", status=status, limits=limits, **_live(outlook))

    @get("/gpus", sync_to_thread=False)
    def show(request: AnyRequest) -> Page:
        return page(request, {}, 200)

    @post("/gpus/selftest", status_code=200, sync_to_thread=False)
    def selftest(data: Form) -> Redirect:
        acts.selftest(deps, _gpu(data))
        return done("/gpus", "testing")

    @post("/gpus/benchmark", status_code=200, sync_to_thread=False)
    def benchmark(data: Form) -> Redirect:
        acts.benchmark(deps, [_gpu(data)] if _gpu(data) else None)
        return done("/gpus", "measuring")

    @post("/gpus/limit", status_code=200)
    async def limit(request: AnyRequest, data: Form) -> Page | Redirect:
        text = str(data.get("gib", ""))[:40]
        try:
            mib = read_gib(text, _gpu(data))
        except NoNumber as problem:
            return page(request, {_gpu(data): text}, 422, str(problem))
        await acts.cap(deps, _gpu(data), mib)
        return done("/gpus", "memory_limit_set" if _gpu(data) == PROCESSOR else "limit_set")

    @post("/gpus/take-back", status_code=200)
    async def take_back(data: Form) -> Redirect:
        await acts.cap(deps, _gpu(data), 0)
        return done("/gpus", "gpu_taken_back")

    @post("/gpus/share", status_code=200)
    async def share(data: Form) -> Redirect:
        await acts.cap(deps, _gpu(data), None)
        return done("/gpus", "gpu_shared")

    return [show, selftest, benchmark, limit, take_back, share]


def _gpu(data: dict[str, str]) -> str:
    return str(data.get("gpu", ""))
