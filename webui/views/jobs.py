"""Long work as rows with a bar."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from appliance.node.jobs import Job, JobKind, JobState
from webui.views.words import duration_text, size_text

_TITLES = {
    JobKind.DOWNLOAD: "Fetching {subject}",
    JobKind.LOAD: "Loading {subject}",
    JobKind.SELFTEST: "Testing {subject}",
    JobKind.BENCHMARK: "Measuring {subject}",
}
_STATES = {
    JobState.QUEUED: ("busy", "waiting"),
    JobState.RUNNING: ("busy", "running"),
    JobState.DONE: ("good", "done"),
    JobState.FAILED: ("bad", "failed"),
    JobState.CANCELLED: ("", "cancelled"),
}
SHOWN_ENDED = 5
WANT_TOKEN = frozenset({"gated", "bad_token"})
_OF_MODELS = frozenset({JobKind.DOWNLOAD, JobKind.LOAD})


@dataclass(frozen=True, slots=True)
class JobRow:
    id: str
    title: str
    tone: str
    state: str
    percent: int | None
    detail: str
    trouble: str | None
    can_cancel: bool
    can_retry: bool
    can_dismiss: bool  # taken off the list
    wants_token: bool  # the hub gives it only to some
    can_load: str | None  # the model that came of it and may be loaded now


def job_rows(jobs: Iterable[Job], loadable: frozenset[str]) -> tuple[JobRow, ...]:
    """What runs or waits, the oldest first, then what ended last. Loads that went well are told by their model.

    `loadable` are the models that the library has found and that are not served.
    """
    known = [job for job in jobs if not (job.kind is JobKind.LOAD and job.ended and job.state is not JobState.FAILED)]
    running = [job for job in known if not job.ended]
    ended = sorted((job for job in known if job.ended), key=lambda job: -(job.ended_at or job.made_at))
    return tuple(_row(job, loadable) for job in [*running, *ended[:SHOWN_ENDED]])


def _row(job: Job, loadable: frozenset[str]) -> JobRow:
    tone, words = _STATES[job.state]
    download = job.kind is JobKind.DOWNLOAD
    return JobRow(
        id=job.id,
        title=_TITLES[job.kind].format(subject=job.subject),
        tone=tone,
        state=words,
        percent=None if job.progress is None or job.ended else round(job.progress * 100),
        detail=" · ".join(_details(job)),
        trouble=job.error.detail if job.error else None,
        can_cancel=not job.ended,
        can_retry=download and job.state in (JobState.FAILED, JobState.CANCELLED),
        can_dismiss=job.ended and job.kind in _OF_MODELS,
        wants_token=job.error is not None and job.error.code in WANT_TOKEN,
        can_load=job.result if download and job.state is JobState.DONE and job.result in loadable else None,
    )


def _details(job: Job) -> Iterable[str]:
    if job.note:
        yield job.note
    if job.total_bytes and job.state is JobState.DONE:
        yield size_text(job.total_bytes)
    elif job.total_bytes and job.done_bytes is not None:
        yield f"{size_text(job.done_bytes)} of {size_text(job.total_bytes)}"
    if job.state is JobState.RUNNING and job.rate:
        yield f"{size_text(round(job.rate))} a second"
    if job.state is JobState.RUNNING and job.eta_s is not None:
        yield f"{duration_text(job.eta_s)} left"
