"""Errors of the management API: problem documents (RFC 9457) with a code that stays the same."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from itertools import islice
from typing import Any

from litestar import Request, Response
from litestar.exceptions import (
    HTTPException,
    InternalServerException,
    MethodNotAllowedException,
    NotAuthorizedException,
    ValidationException,
)
from pydantic import ValidationError

from appliance.api.access import Refused
from appliance.api.encode import encode
from appliance.api.model_problems import status_of
from appliance.models.failed import ModelProblem
from appliance.objects.types import ObjectProblem
from appliance.settings.exchange import BadFile
from appliance.settings.store import LockedField, StaleRevision
from appliance.storage.errors import StorageFailed

log = logging.getLogger("meshbox.api")

BROKEN_OFF = "client disconnected prematurely"  # the framework's words; it takes this for a failure of the server
MOST_FIELDS = 50  # that are told to be wrong: their names come from whoever asks
LONGEST_NAME = 200
LONGEST_MESSAGE = 500

STATUS_OF_REFUSAL = {
    "already_claimed": 409,
    "not_claimed": 409,
    "wrong_code": 403,
    "wrong_password": 401,
    "wrong_current_password": 403,
    "too_many_tries": 429,
    "password_too_short": 422,
    "password_too_long": 422,
}
STATUS_OF_FILE = {"bad_request": 400, "duplicate_name": 400, "too_large": 413}
_CODES = {
    400: "bad_request",
    401: "not_logged_in",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    409: "conflict",
    413: "too_large",
    415: "wrong_content_type",
    421: "wrong_host",
}


class Problem(Exception):
    """An answer that says what went wrong; raised by a route."""

    def __init__(self, status: int, code: str, detail: str, **more: object) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail, self.more = status, code, detail, more


def problem_response(problem: Problem, headers: Mapping[str, str] | None = None) -> Response[bytes]:
    document = {"title": problem.code.replace("_", " ").capitalize(), "status": problem.status, "code": problem.code}
    body = encode(document | {"detail": problem.detail} | problem.more)
    return Response(
        body, status_code=problem.status, media_type="application/problem+json", headers=dict(headers or {})
    )


def as_problem(error: Exception) -> Problem:  # noqa: C901, PLR0911, PLR0912 - one line per kind of error
    match error:
        case Problem():
            return error
        case Refused():
            return Problem(STATUS_OF_REFUSAL[error.code], error.code, error.detail)
        case ModelProblem():
            return Problem(status_of(error), error.code, error.detail, **error.facts)
        case StaleRevision():
            return Problem(409, "stale_revision", str(error), revision=error.current)
        case BadFile():
            return Problem(STATUS_OF_FILE.get(error.code, 422), error.code, error.detail)
        case LockedField():
            return Problem(409, "locked_field", str(error), fields=error.names)
        case ObjectProblem():
            return Problem(error.status, error.code, error.detail)
        case StorageFailed():
            return Problem(507, error.code, error.detail)
        case RecursionError():
            return Problem(400, "bad_request", "The body is nested too deeply.")
        case ValidationError():
            return _invalid({_dotted(e["loc"]): e["msg"] for e in error.errors(include_url=False)})
        case ValidationException():
            return _not_valid(error)
        case InternalServerException() if error.detail == BROKEN_OFF:
            return Problem(400, "broken_off", "The request broke off before its end.")
        case HTTPException():
            return Problem(error.status_code, _CODES.get(error.status_code, "error"), _detail(error))
        case _:
            log.error("a request failed inside the box", exc_info=error)
            return Problem(500, "internal_error", "Something went wrong inside the box; its log says what.")


def handle(_request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    problem, wait = as_problem(error), getattr(error, "retry_after", None)
    headers = {"Retry-After": str(wait)} if wait else {}
    if isinstance(error, MethodNotAllowedException):
        headers["Allow"] = _methods_of(error)
    if problem.status == 413:
        headers["Connection"] = "close"  # the rest of the body is not read: nothing more can come this way
    return problem_response(problem, headers)


def _methods_of(error: MethodNotAllowedException) -> str:
    return ", ".join(sorted(str((error.headers or {}).get("allow", "GET, HEAD")).split(", ")))


def _invalid(all_fields: Mapping[str, str]) -> Problem:
    fields = {
        name[:LONGEST_NAME]: message[:LONGEST_MESSAGE] for name, message in islice(all_fields.items(), MOST_FIELDS)
    }
    listed = "; ".join(f"{name}: {message}" for name, message in fields.items())
    return Problem(422, "invalid_fields", listed, fields=fields)


def _not_valid(error: ValidationException) -> Problem:
    fields = _fields(error.extra)
    if fields == {"data": "'data'"}:  # litestar's word for a body that is not there
        return Problem(400, "bad_request", "The request has no body; it takes a JSON object.")
    return _invalid(fields) if fields else Problem(422, "invalid_fields", error.detail, fields={})


def _fields(extra: object) -> dict[str, str]:
    entries = extra if isinstance(extra, list) else []
    return {str(e.get("key", "body")): str(e.get("message", "")) for e in entries if isinstance(e, Mapping)}


def _dotted(location: tuple[int | str, ...]) -> str:
    return ".".join(str(part) for part in location) or "body"


def _detail(error: HTTPException) -> str:
    if isinstance(error, NotAuthorizedException):
        return "Log in first: POST /api/login gives a token for the Authorization header."
    return error.detail
