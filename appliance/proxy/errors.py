"""Every error a client can see: what happened, what it means, what to do; in the shape its API promises."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from appliance.proxy.asgi import Header, json_bytes
from appliance.proxy.endpoints import Shape
from appliance.routing.table import Route, RouteState
from appliance.routing.waiting import USUAL_SECONDS

DRAINING_RETRY_SECONDS = 5
TOO_LONG = "context_length_exceeded"

_OPENAI_TYPES = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
_ANTHROPIC_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
}

# Answers with status 500 of a sound engine that could not make sense of the request.
_CLIENT_FAULT = re.compile(
    r"\[json\.exception\.(?!type_error\.316)|(Field|Invalid|Failed to (load|download|tokenize)) "
    r"|vector::_M_range_check|.*(is|are) required|.*(is not|does not) support|.*too large to process"
)
_SENSE_WORDS = {"image": "pictures", "audio": "sound"}
_UNSUPPORTED = re.compile(r".*(is not supported|does not support)", re.DOTALL)


class ApiError(Exception):
    """An answer that is not what the client wanted."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        param: str | None = None,
        retry_after: int | None = None,
        details: Mapping[str, Any] | None = None,
        headers: Sequence[Header] = (),
    ) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.param = status, code, message, param
        self._retry_after, self.details, self._headers = retry_after, dict(details or {}), tuple(headers)

    @property
    def tokens(self) -> int:
        """How long a question was that was too long; at least as long as what its model takes."""
        sizes = (self.details.get(key) for key in ("n_prompt_tokens", "n_ctx"))
        return max((size for size in sizes if isinstance(size, int)), default=0)

    @property
    def headers(self) -> list[Header]:
        retry = [] if self._retry_after is None else [(b"retry-after", b"%d" % self._retry_after)]
        return [*retry, *self._headers]

    def body(self, shape: Shape) -> dict[str, Any]:
        if shape is Shape.ANTHROPIC:
            kind = _ANTHROPIC_TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "api_error")
            return {
                "type": "error",
                "error": {"type": kind, "message": self.message, "code": self.code, **self.details},
            }
        kind = _OPENAI_TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        fields = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return {"error": fields | self.details}

    def stream_event(self, shape: Shape) -> bytes:
        """The same as one event, for an answer that has begun."""
        body = self.body(shape)
        if shape is Shape.RESPONSES:
            body |= {"type": "error", "code": self.code, "message": self.message, "param": self.param}
        name = b"" if shape is Shape.OPENAI else b"event: error\n"
        return name + b"data: " + json_bytes(body) + b"\n\n"


def bad_request(message: str, code: str = "invalid_request", param: str | None = None) -> ApiError:
    return ApiError(400, code, message, param=param)


def model_not_found(name: str, nearest: Sequence[str]) -> ApiError:
    hint = f" Did you mean {' or '.join(nearest)}?" if nearest else " GET /v1/models lists what is served."
    shown = name if len(name) <= 200 else name[:200] + "…"
    return ApiError(
        404,
        "model_not_found",
        f"No model called {shown!r} is served here.{hint}",
        param="model",
        details={"nearest": list(nearest)},
    )


def model_loading(model: str, progress: float | None, seconds: int = USUAL_SECONDS) -> ApiError:
    """`seconds`: about so long it still takes."""
    how_far = "" if progress is None else f" ({progress:.0%} done)"
    when = "in a moment" if seconds <= USUAL_SECONDS else f"in {seconds} seconds"
    return ApiError(
        503,
        "model_loading",
        f"The model {model} is still loading{how_far}. Try again {when}.",
        param="model",
        retry_after=seconds,
        details={"model": model, "progress": progress, "retry_in": seconds},
    )


def model_failed(model: str, reason: str | None) -> ApiError:
    why = (reason or "its engine does not start").rstrip(".")
    return ApiError(
        503,
        "model_failed",
        f"The model {model} cannot answer: {why}. The page of the box says what can be done.",
        param="model",
        details={"model": model},
    )


def queue_full(model: str, waiting: int, seconds: float) -> ApiError:
    what = f"{waiting} requests are waiting for {model} already, the most this box lets wait."
    return _come_again("queue_full", what, model, seconds)


def queue_timeout(model: str, position: int, waited: float, seconds: float) -> ApiError:
    what = f"This request has waited {waited:.0f} seconds for {model} and was number {position} in the line."
    return _come_again("queue_timeout", what, model, seconds)


def _come_again(code: str, what: str, model: str, seconds: float) -> ApiError:
    after = max(1, math.ceil(seconds))
    details = {"model": model, "retry_in": after}
    return ApiError(429, code, f"{what} Try again in {after} seconds.", retry_after=after, details=details)


def cannot_take(model: str | None, senses: Sequence[str], others: Sequence[str], code: str) -> ApiError:
    """A picture for a model that cannot see, and the like; `others` are models that can."""
    what = " and ".join(_SENSE_WORDS.get(sense, sense) for sense in senses)
    advice = "Add one that does, together with its projector, or leave that out."
    if model is None:
        says = f"No model of this box takes {what}. {advice}"
    elif others:
        says = f"The model {model} does not take {what}. Ask for {' or '.join(others)}, which can."
    else:
        says = f"The model {model} does not take {what}, and no other of this box does. {advice}"
    return ApiError(400, code, says, param="messages", details={"models": list(others)})


def no_model() -> ApiError:
    return ApiError(503, "no_model", "This box serves no model yet.", param="model", retry_after=DRAINING_RETRY_SECONDS)


def unsupported(what: str) -> ApiError:
    return ApiError(400, "unsupported_endpoint", what)


def too_large(limit_mib: int) -> ApiError:
    return ApiError(
        413,
        "request_too_large",
        f"The request body is larger than {limit_mib} MiB, the limit of this box (setting api.max_body_mib).",
    )


def too_slow(seconds: float) -> ApiError:
    return ApiError(408, "request_timeout", f"The request body paused for more than {seconds:.0f} seconds.")


def method_not_allowed(method: str, allowed: str) -> ApiError:
    what = f"This route takes {allowed}, not {method[:20]}."
    return ApiError(405, "method_not_allowed", what, headers=[(b"allow", allowed.encode("ascii"))])


def draining() -> ApiError:
    return ApiError(503, "box_stopping", "This box is stopping. Try again soon.", retry_after=DRAINING_RETRY_SECONDS)


def internal_error() -> ApiError:
    return ApiError(500, "internal_error", "This box made a mistake. Its log says more; trying again may help.")


def engine_gone(model: str, detail: str) -> ApiError:
    return ApiError(
        502,
        "engine_gone",
        f"The engine of {model} broke off before it answered ({detail}). It is started again; try again in a moment.",
        retry_after=USUAL_SECONDS,
        details={"model": model},
    )


def box_gone(model: str, detail: str) -> ApiError:
    return ApiError(
        502,
        "box_gone",
        f"The box that was to answer for {model} broke off before it answered ({detail}), and no other one has that "
        "model. Try again in a moment.",
        retry_after=USUAL_SECONDS,
        details={"model": model},
    )


def answer_cut(model: str, detail: str) -> ApiError:
    return ApiError(
        502,
        "engine_gone",
        f"The engine of {model} broke off in the middle of this answer ({detail}). What came so far is incomplete.",
        details={"model": model},
    )


def from_engine(status: int, body: bytes, model: str) -> ApiError:
    """An engine's refusal in our words and shape: a client must not need to know the engine's dialect."""
    given = _engine_error(body)
    message = str(given.get("message") or f"The engine of {model} answered with status {status}.")
    kind = given.get("type")
    if kind == "exceed_context_size_error":
        return _context_exceeded(message, given)
    if status == 501 or kind == "not_supported_error" or (status == 500 and _UNSUPPORTED.match(message)):
        return unsupported(f"The model {model} cannot do this: {message}")
    if status == 500 and _CLIENT_FAULT.match(message):
        return bad_request(message)
    if status == 503:
        return model_loading(model, None)
    if status in (401, 403, 404):  # our own key or path was refused: nothing the client did
        return ApiError(502, "engine_error", f"The engine of {model} refused the box itself with status {status}.")
    return ApiError(status, "invalid_request" if status < 500 else "engine_error", message)


def _context_exceeded(message: str, given: Mapping[str, Any]) -> ApiError:
    sizes = {key: given[key] for key in ("n_prompt_tokens", "n_ctx") if key in given}
    return ApiError(400, TOO_LONG, message, param="messages", details=sizes)


def with_roomier(error: ApiError, found: Sequence[tuple[Route, int]]) -> ApiError:
    """The same, with the models that have more room: the best of them in the words."""
    route, context = found[0]
    if route.state is RouteState.READY:
        hint = f"The model {route.model} has room for {context} tokens: ask for that one."
    else:
        hint = f"The model {route.model} may take up to {context} tokens: ask for that one, and it is loaded."
    roomier = [{"id": r.model, "context_length": most, "status": r.state.value} for r, most in found]
    return ApiError(
        error.status,
        error.code,
        f"{error.message.rstrip('.')}. {hint}",
        param=error.param,
        details={**error.details, "models": roomier},
    )


def _engine_error(body: bytes) -> Mapping[str, Any]:
    try:
        error = msgspec.json.decode(body, type=dict[str, Any]).get("error")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return error if isinstance(error, dict) else {}
