"""Which browser pages may use the API. Programs are never asked: only browsers send the headers looked at here.

A page of another origin may call only when the owner lists its origin; and a browser may come only under a name
that nobody outside the house can give this box (see `settings.hosts`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from appliance.proxy.asgi import Header, Scope, header, text_header
from appliance.proxy.errors import ApiError
from appliance.settings.hosts import host_allowed
from appliance.settings.schema import Settings

_HEADER_NAMES = re.compile(r"[A-Za-z0-9,\s_-]{1,2000}", re.ASCII)
_LIMITS = ", ".join(
    f"X-RateLimit-{what}-{of}" for of in ("Requests", "Tokens") for what in ("Limit", "Remaining", "Reset")
)
_OWN = b"X-Meshbox-Node, X-Meshbox-Model, X-Meshbox-Route, X-Meshbox-Queue, X-Meshbox-Waited"
_EXPOSED = b"X-Request-Id, " + _OWN + b", Retry-After, " + _LIMITS.encode("ascii")


def check_browser(scope: Scope, settings: Settings) -> str | None:
    """The foreign origin that may read the answer, None when there is none. Raises ApiError (403, 421)."""
    origin, site = text_header(scope, b"origin").lower(), text_header(scope, b"sec-fetch-site")
    if not origin and not site:
        return None
    host = text_header(scope, b"host").lower()
    if not host_allowed(host, settings.web.allowed_hosts):
        raise ApiError(
            421,
            "host_not_allowed",
            f"Browsers may not open this box under the name {host[:100]!r}: add it to the setting web.allowed_hosts.",
        )
    if origin in settings.api.allowed_origins:
        return origin
    if origin and origin.partition("://")[2] != host:
        raise _foreign(origin)
    if not origin and site == "cross-site":
        raise _foreign("of another site")
    return None


def _foreign(origin: str) -> ApiError:
    return ApiError(
        403,
        "origin_not_allowed",
        f"The web page {origin[:200]} may not call this box: add its origin to the setting api.allowed_origins.",
    )


def cors_headers(origin: str) -> list[Header]:
    allowed = (b"access-control-allow-origin", origin.encode("latin-1"))
    return [allowed, (b"access-control-expose-headers", _EXPOSED), (b"vary", b"Origin")]


def preflight_headers(scope: Scope, methods: Iterable[str]) -> list[Header]:
    """What a listed page may send: any header it asks for, since a browser adds none that carries a right."""
    wanted = text_header(scope, b"access-control-request-headers")
    fields = [
        (b"access-control-allow-methods", ", ".join(methods).encode("ascii")),
        (b"access-control-max-age", b"600"),
    ]
    if _HEADER_NAMES.fullmatch(wanted):
        fields.append((b"access-control-allow-headers", wanted.encode("ascii")))
    if header(scope, b"access-control-request-private-network") == b"true":
        fields.append((b"access-control-allow-private-network", b"true"))
    return fields
