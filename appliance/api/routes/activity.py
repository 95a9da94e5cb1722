"""What the box did over the last hours and days."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import get
from litestar.params import FromQuery, QueryParameter
from litestar.types import ControllerRouterHandler

from appliance.activity.recorder import LATEST
from appliance.activity.series import Range, ranges
from appliance.api.activity import activity_document, request_document, totals_document
from appliance.api.deps import ApiDeps
from appliance.api.problems import Problem
from appliance.api.times import midnight

Json = dict[str, Any]
USUAL_RANGE = "1h"


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    @get("/api/activity", sync_to_thread=False)
    def activity(range: FromQuery[str] = USUAL_RANGE) -> Json:  # noqa: A002 - the name in the address
        """Requests, tokens, times and the machine over a range: 1h, 6h, 24h, 14d, or all when more is kept."""
        wanted, now, snapshot = find_range(deps, range), deps.clock(), deps.loop.outlook.snapshot
        load = snapshot.requests
        document = activity_document(wanted, deps.activity.history.window(wanted, now), snapshot.inventory)
        speed = round(deps.activity.speed, 2)
        return {
            "now": {"in_flight": load.in_flight, "queued": load.queued, "tokens_per_second": speed},
            "today": totals_document(deps.activity.history.since(midnight(now), now)),
        } | document

    @get("/api/activity/requests", sync_to_thread=False)
    def requests(limit: Annotated[int, QueryParameter(ge=1, le=LATEST)] = 50) -> Json:
        """The latest requests, the newest first; they are forgotten with the process."""
        return {"requests": [request_document(ended) for ended in list(deps.activity.latest)[:limit]]}

    return [activity, requests]


def find_range(deps: ApiDeps, key: str) -> Range:
    known = ranges(deps.loop.outlook.snapshot.settings.activity.keep_days)
    found = next((one for one in known if one.key == key), None)
    if found is None:
        names = ", ".join(one.key for one in known)
        raise Problem(422, "unknown_range", f"There is no such range; choose one of: {names}.", field="range")
    return found
