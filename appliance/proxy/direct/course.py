"""What is the same for all requests for one model on one route, as long as the routing table is the same."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.proxy.direct.heading import Heading
from appliance.proxy.endpoints import EnginePath
from appliance.proxy.own import same_lines
from appliance.proxy.pool import first_lines
from appliance.routing.table import Endpoint, Route, RouteState


@dataclass(slots=True, eq=False)
class Course:
    route: Route
    endpoint: Endpoint
    why: str
    places: int | None  # side by side at the engine; None: as many as come
    asking: bytes  # the first lines of what the engine is asked
    own: bytes  # the lines of an answer that are the box's own
    heading: Heading | None = None  # how the engine's answers begin, once that is known


def course_of(route: Route, why: str, target: EnginePath, node: str) -> Course | None:
    """None where requests for it have to wait, or go elsewhere."""
    endpoint = route.endpoint
    if route.state is not RouteState.READY or route.awaited or route.targets or endpoint is None or endpoint.node:
        return None
    return Course(
        route,
        endpoint,
        why,
        route.slots if target.works else None,
        first_lines(endpoint, target.path),
        same_lines(node, route.model, route.kind, why),
    )
