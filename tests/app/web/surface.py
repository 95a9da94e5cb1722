"""Everything that :3131 answers, as its application knows it: what is added later is tested with the rest."""

from __future__ import annotations

import re
from dataclasses import dataclass

from litestar import Litestar
from litestar.handlers import HTTPRouteHandler
from litestar.routes import ASGIRoute, HTTPRoute

from appliance.api.login import PUBLIC
from tests.app.web.harness import Web

RELAY = "/api/openai"
STATIC = "/static"
FOR_PROGRAMS = ("/api/", "/schema", STATIC, "/healthz", "/readyz", "/metrics")


@dataclass(frozen=True, slots=True, order=True)
class Call:
    """One method of one route; its parameters have some value."""

    path: str
    method: str
    route: str
    public: bool = False

    @property
    def stream(self) -> bool:
        return self.path.startswith("/events/") or self.path == "/api/events"

    @property
    def page(self) -> bool:
        return self.method == "GET" and not self.stream and not self.path.startswith(FOR_PROGRAMS)


def app_of(web: Web) -> Litestar:
    found = web.app._app
    assert isinstance(found, Litestar)
    return found


def calls(web: Web, **values: str) -> list[Call]:
    """All routes and methods. `values` are those of path parameters; what is not given is `x`."""
    found = set[Call]()
    for route in app_of(web).routes:
        if isinstance(route, HTTPRoute):
            found.update(call for handler in route.route_handlers for call in _calls(route, handler, values))
        elif isinstance(route, ASGIRoute):
            found.update(Call(f"{RELAY}/v1/models", method, route.path) for method in ("GET", "POST"))
    assert len(found) > 60, "the routes were not found"
    return sorted(found)


def _some(kind: type) -> str:
    return "1" if kind is int else "x"


def _calls(route: HTTPRoute, handler: HTTPRouteHandler, values: dict[str, str]) -> list[Call]:
    kinds = {parameter.name: parameter.type for parameter in route.path_parameters.values()}
    path = re.sub(r"\{(\w+)\}", lambda found: values.get(found[1]) or _some(kinds[found[1]]), route.path_format)
    if path.startswith(STATIC):
        path = f"{STATIC}/app.css"
    methods = {str(method) for method in handler.http_methods} - {"OPTIONS"}
    return [Call(path, method, route.path_format, bool(handler.opt.get(PUBLIC))) for method in methods]
