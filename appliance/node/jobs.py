"""Long work a person asked for, as the pages and `/api/jobs` show it: downloads, loads, analyses."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from appliance.node.failure import Failure


class JobKind(StrEnum):
    DOWNLOAD = "download"
    LOAD = "load"
    SELFTEST = "selftest"
    BENCHMARK = "benchmark"


class JobState(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


ENDED = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})


@dataclass(frozen=True, slots=True)
class Job:
    id: str
    kind: JobKind
    subject: str  # what it is about: a model's id, or what the person wrote while the id is not known
    state: JobState
    made_at: float
    note: str | None = None  # what it is doing or waiting for, in words
    progress: float | None = None  # 0..1; None when it cannot be told
    done_bytes: int | None = None
    total_bytes: int | None = None
    rate: float | None = None  # bytes per second of late
    eta_s: float | None = None
    error: Failure | None = None
    result: str | None = None  # the id of the model that came of it
    ended_at: float | None = None

    def loads(self, model: str) -> bool:
        """Whether it is a load of this model that is under way."""
        return self.kind is JobKind.LOAD and self.subject == model and not self.ended

    @property
    def ended(self) -> bool:
        return self.state in ENDED
