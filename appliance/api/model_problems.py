"""With which HTTP status a trouble with models is answered."""

from __future__ import annotations

from appliance.models.failed import ModelProblem

STATUS = {
    "bad_name": 422,
    "bad_range": 400,
    "bad_ref": 422,
    "bad_token": 403,
    "changed": 409,
    "address_refused": 422,
    "disk_full": 507,
    "file_exists": 409,
    "gated": 403,
    "in_use": 409,
    "incomplete": 409,
    "no_gguf": 404,
    "no_such_file": 404,
    "no_such_quant": 404,
    "no_token": 422,
    "not_failed": 409,
    "not_found": 404,
    "not_gguf": 422,
    "not_managed": 409,
    "not_writable": 507,
    "rate_limited": 429,
    "several_models": 409,
    "still_running": 409,
    "too_slow": 408,
    "unknown_job": 404,
    "unknown_model": 404,
    "upload_running": 409,
    "wrong_offset": 409,
}
FROM_OTHERS = 502  # the hub, or whoever has the file, did not do what was asked


def status_of(problem: ModelProblem) -> int:
    return STATUS.get(problem.code, FROM_OTHERS)
