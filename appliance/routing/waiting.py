"""When it makes sense to ask again for a model that is still loading. Pure."""

from __future__ import annotations

import math

from appliance.routing.table import Route

USUAL_SECONDS = 2  # while nothing can be told
LEAST_SECONDS, MOST_SECONDS = 1, 60
TELLING = 0.02  # of the way; before that the time it took says little


def seconds_until_ready(route: Route, now: float) -> int:
    """About so long, by how far it came in the time since its engine was started."""
    left = float(USUAL_SECONDS)
    if route.started is not None and route.started > now:  # a pause before the next try
        left += route.started - now
    elif route.started is not None and route.progress is not None and route.progress >= TELLING:
        left = (now - route.started) * (1 - route.progress) / route.progress
    return min(MOST_SECONDS, max(LEAST_SECONDS, math.ceil(left)))
