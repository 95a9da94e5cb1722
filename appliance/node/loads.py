"""Loads as jobs: a job follows the serving entry of its model until that is ready, given up, or no longer wanted."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from appliance.node.failure import Failure
from appliance.node.jobs import Job, JobKind, JobState
from appliance.node.serving import ServingEntry, ServingState

KEPT = 20  # ended loads

_NOTES = {
    ServingState.PLANNED: "Waiting to start",
    ServingState.LOADING: "Loading",
    ServingState.PROBING: "Answering its test question",
    ServingState.RECOVERING: "Starting again",
}


def new_load(job_id: str, model: str, now: float) -> Job:
    return Job(job_id, JobKind.LOAD, model, JobState.QUEUED, now)


def old_loads(jobs: Iterable[Job]) -> list[str]:
    """Ids of ended loads that need not be kept any longer, the oldest first."""
    ended = sorted((job for job in jobs if job.kind is JobKind.LOAD and job.ended), key=lambda job: job.made_at)
    return [job.id for job in ended[:-KEPT]]


def advance(job: Job, serving: tuple[ServingEntry, ...], now: float) -> Job:
    """The job as it stands by what is served now; an ended one stays as it is."""
    if job.ended or job.kind is not JobKind.LOAD:
        return job
    entry = next((e for e in serving if e.model == job.subject), None)
    if entry is None:
        return replace(job, state=JobState.CANCELLED, note=None, ended_at=now)
    match entry.state:
        case ServingState.READY:
            return replace(job, state=JobState.DONE, note=None, progress=1.0, result=job.subject, ended_at=now)
        case ServingState.SLEEPING:
            return replace(job, state=JobState.CANCELLED, note=None, ended_at=now)
        case ServingState.FAILED:
            failure = entry.failure or Failure("load_failed", "The model could not be loaded.")
            return replace(job, state=JobState.FAILED, note=None, error=failure, ended_at=now)
        case state:
            return replace(job, state=JobState.RUNNING, note=entry.note or _NOTES.get(state), progress=entry.progress)
