"""Long work that somebody asked for: how it stands, ending it, trying it again."""

from __future__ import annotations

from typing import Any

from litestar import delete, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.api.jobs import job_document
from appliance.api.problems import Problem
from appliance.api.serving import end_load
from appliance.jobs.trials import KINDS as TRIALS
from appliance.node.jobs import Job, JobKind

Json = dict[str, Any]


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    downloads = deps.models.downloads

    @get("/api/jobs", sync_to_thread=False)
    def jobs() -> Json:
        """In the order they were asked for."""
        return {"jobs": [job_document(job) for job in all_jobs(deps).values()]}

    @get("/api/jobs/{job_id:str}", sync_to_thread=False)
    def job(job_id: FromPath[str]) -> Json:
        """How one stands."""
        return job_document(_known(deps, job_id))

    @delete("/api/jobs/{job_id:str}", status_code=200)
    async def end(job_id: FromPath[str]) -> Json:
        """Cancels a job that is not over; one that is over is taken off the list."""
        return job_document(await end_job(deps, job_id))

    @post("/api/jobs/{job_id:str}/retry", status_code=202)
    async def retry(job_id: FromPath[str]) -> Json:
        """Has a download that failed or was cancelled try again."""
        if _known(deps, job_id).id not in downloads.jobs():
            raise Problem(409, "not_failed", "Only downloads are tried again this way. Load the model again instead.")
        return job_document(await downloads.retry(job_id))

    return [jobs, job, end, retry]


async def end_job(deps: ApiDeps, job_id: str) -> Job:
    job, downloads = _known(deps, job_id), deps.models.downloads
    if job.kind is JobKind.LOAD:
        return await end_load(deps, job)
    if job.kind in TRIALS:
        return deps.trials.end(job_id)
    return await (downloads.forget(job_id) if job.ended else downloads.cancel(job_id))


def all_jobs(deps: ApiDeps) -> dict[str, Job]:
    """What the run loop knows, and what it has not heard of yet: a job is there from the moment it was asked for."""
    return {**deps.loop.outlook.snapshot.jobs, **deps.models.downloads.jobs(), **deps.trials.jobs()}


def _known(deps: ApiDeps, job_id: str) -> Job:
    job = all_jobs(deps).get(job_id)
    if job is None:
        raise Problem(404, "unknown_job", "There is no such job; it may have been taken off the list.")
    return job
