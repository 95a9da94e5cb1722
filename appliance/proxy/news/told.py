"""Which events tell what changed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from appliance.proxy.asgi import json_bytes
from appliance.routing.table import Route, RouteState

GONE = "gone"

Event = tuple[str, Mapping[str, Any]]  # its name, and what it says


@dataclass(frozen=True, slots=True)
class Shown:
    """Of a model, as listeners know it."""

    state: str
    percent: int | None = None
    reason: str | None = None


def shown(routes: Mapping[str, Route]) -> Mapping[str, Shown]:
    return {model: _shown(route) for model, route in routes.items()}


def model_events(before: Mapping[str, Shown], now: Mapping[str, Shown]) -> Iterator[Event]:
    for model in sorted(before.keys() | now.keys()):
        known, present = before.get(model), now.get(model, Shown(GONE))
        if present != known:
            progress = None if present.percent is None else present.percent / 100
            yield (
                f"model.{present.state}",
                {"model": model, "state": present.state, "progress": progress, "reason": present.reason},
            )


def frame(name: str, says: Mapping[str, Any], at: float) -> bytes:
    """One event of a stream."""
    when = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return b"event: %b\ndata: %b\n\n" % (name.encode("ascii"), json_bytes({"type": name, "at": when, **says}))


def _shown(route: Route) -> Shown:
    loading, failed = route.state is RouteState.LOADING, route.state is RouteState.FAILED
    percent = round(100 * route.progress) if loading and route.progress is not None else None
    return Shown(route.state.value, percent, route.reason if failed else None)
