"""Jobs as documents."""

from __future__ import annotations

from typing import Any

from appliance.api.times import timestamp
from appliance.node.jobs import Job


def job_document(job: Job) -> dict[str, Any]:
    error = job.error
    return {
        "id": job.id,
        "kind": job.kind.value,
        "subject": job.subject,
        "state": job.state.value,
        "made_at": timestamp(job.made_at),
        "ended_at": None if job.ended_at is None else timestamp(job.ended_at),
        "note": job.note,
        "progress": job.progress,
        "done_bytes": job.done_bytes,
        "total_bytes": job.total_bytes,
        "rate": job.rate,
        "eta_s": job.eta_s,
        "error": {"code": error.code, "detail": error.detail} if error else None,
        "result": job.result,
    }
