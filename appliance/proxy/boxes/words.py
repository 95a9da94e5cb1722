"""What two boxes tell each other beside the request itself. Pure.

The box that asks has chosen the model: it names it in a header, whatever stands in the body, so that one box alone
decides what a name means. What another box answers is a claim like everything it says: bounded, and made harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from appliance.mesh.plain import plain
from appliance.proxy.asgi import Header, Scope, header, header_value
from appliance.proxy.errors import TOO_LONG, ApiError
from appliance.proxy.upstream import UpstreamError

MODEL = b"x-meshbox-model"
PRIORITY = b"x-meshbox-priority"
ELSEWHERE = b"x-meshbox-elsewhere"  # of a refusal: another box may do it
LONGEST_NAME = 512
LONGEST_MESSAGE = 1000
MOST_DETAILS = 16
LONGEST_RETRY = 3600

BUSY = frozenset({429, 502, 503})
_ELSEWHERE_CODES = frozenset(
    {"model_not_found", "no_model", "unsupported_endpoint", "unsupported_input", "internal_error", TOO_LONG}
)
_OUR_OWN_FAULT = frozenset({401, 403, 404, 405, 421})  # nothing the client did: the two boxes disagree
_KINDS = frozenset({b"application/json", b"text/event-stream", b"text/plain"})
_CODE = re.compile(r"[a-z][a-z0-9_]{0,63}")


class Unserved(UpstreamError):
    """Another box did not do it. `answer` is what the client is told when nobody else does; `elsewhere` says whether
    somebody else may."""

    def __init__(self, answer: ApiError, *, elsewhere: bool) -> None:
        super().__init__(answer.message)
        self.answer, self.elsewhere = answer, elsewhere


def asking(model: str, *, batch: bool) -> list[Header]:
    """Told to the box that is asked."""
    return [(MODEL, header_value(model)), *([(PRIORITY, b"batch")] if batch else [])]


def asked_for(scope: Scope) -> str:
    """The model that another box asks for; nothing when it names none."""
    return unquote((header(scope, MODEL) or b"").decode("latin-1"))[:LONGEST_NAME]


def told_with(error: ApiError) -> list[Header]:
    """Told with a refusal, to the box that asks."""
    return [(ELSEWHERE, b"1")] if error.status in BUSY or error.code in _ELSEWHERE_CODES else []


def check_answer(status: int, headers: Iterable[Header], body: bytes, model: str) -> None:
    """Raises Unserved for what is no answer, and for one of a kind that no engine gives: a browser might run it."""
    if status >= 400:
        raise refused(status, headers, body, model)
    kind = next((value for name, value in headers if name == b"content-type"), b"")
    if status != 200 or kind.partition(b";")[0].strip().lower() not in _KINDS:
        raise refused(502, (), b"", model)


def refused(status: int, headers: Iterable[Header], body: bytes, model: str) -> Unserved:
    """What another box answered instead of an answer."""
    fields = dict(headers)
    elsewhere = status in BUSY or ELSEWHERE in fields
    given = _error_of(body)
    code, message = given.get("code"), given.get("message")
    sound = isinstance(code, str) and _CODE.fullmatch(code) and isinstance(message, str) and 400 <= status < 600
    if not sound or status in _OUR_OWN_FAULT:
        what = f"The box that was to answer for {model} refused with status {status}. Try again in a moment."
        return Unserved(ApiError(503, "box_refused", what, retry_after=1, details={"model": model}), elsewhere=True)
    answer = ApiError(
        status,
        str(code),
        plain(str(message), LONGEST_MESSAGE) or f"Another box answered with status {status}.",
        param=_word(given.get("param")),
        retry_after=_seconds(fields.get(b"retry-after", b"")),
        details=_details(given),
    )
    return Unserved(answer, elsewhere=elsewhere)


def _error_of(body: bytes) -> Mapping[str, Any]:
    try:
        error = msgspec.json.decode(body, type=dict[str, Any]).get("error")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}
    return error if isinstance(error, dict) else {}


def _details(given: Mapping[str, Any]) -> dict[str, Any]:
    told = [name for name in given if name not in ("message", "type", "param", "code") and _CODE.fullmatch(name)]
    return {name: _harmless(given[name]) for name in told[:MOST_DETAILS]}


def _harmless(value: Any, depth: int = 2) -> Any:  # noqa: ANN401 - whatever was sent
    """The same, short and shallow."""
    if isinstance(value, str):
        return plain(value)
    if isinstance(value, list) and depth:
        return [_harmless(one, depth - 1) for one in value[:MOST_DETAILS]]
    if isinstance(value, dict) and depth:
        return {plain(name): _harmless(one, depth - 1) for name, one in list(value.items())[:MOST_DETAILS]}
    return value if isinstance(value, bool | int | float) and abs(value) < 1e15 else None


def _word(value: object) -> str | None:
    return plain(value) if isinstance(value, str) else None


def _seconds(value: bytes) -> int | None:
    return min(int(value), LONGEST_RETRY) if value.isdigit() and len(value) < 6 else None
