"""The headers of an answer that are the box's own: who answered, why, and what is left."""

from __future__ import annotations

from functools import lru_cache

from appliance.proxy.asgi import Header, header_value
from appliance.proxy.forward import Call
from appliance.proxy.permit import NO_KEY
from appliance.proxy.usher import AT_ONCE, place_headers
from appliance.proxy.wire.answer import line_of
from appliance.routing.table import Route

_AT_ONCE = line_of(*AT_ONCE)


def own_headers(call: Call, node: str, route: Route) -> list[Header]:
    same = _same(node, route.model, route.kind, call.why + call.there)
    return [(b"x-request-id", call.id), *same, *_each_time(call)]


@lru_cache(maxsize=256)
def same_lines(node: str, model: str, kind: str, why: str) -> bytes:
    """Those of them that stay the same, as lines of an answer's head."""
    return b"".join(line_of(*header) for header in _same(node, model, kind, why))


def lines_each_time(call: Call) -> bytes:
    """The rest of them, which come behind the others."""
    if call.permit is NO_KEY and (call.place is None or not call.place.first):
        return b"" if call.place is None else _AT_ONCE
    return b"".join([line_of(*header) for header in _each_time(call)])


def _each_time(call: Call) -> list[Header]:
    return [*place_headers(call), *call.permit.headers(call.target.shape)]


@lru_cache(maxsize=256)
def _same(node: str, model: str, kind: str, why: str) -> tuple[Header, ...]:
    return (
        (b"x-meshbox-node", header_value(node)),
        (b"x-meshbox-model", header_value(model)),
        (b"x-meshbox-route", header_value(f"{kind}; {why}")),
    )
