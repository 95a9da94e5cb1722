"""The JSON routes, one file a subject. `make_router` puts them together behind the login guard."""

from __future__ import annotations

from litestar import Router

from appliance.api.deps import ApiDeps
from appliance.api.login import require_login
from appliance.api.problems import handle
from appliance.api.routes import account, events, health, serving, settings, state

MAX_JSON_BYTES = 1 << 20


def make_router(deps: ApiDeps) -> Router:
    subjects = (account, state, serving, events, settings, health)
    return Router(
        path="/",
        route_handlers=[handler for subject in subjects for handler in subject.handlers(deps)],
        guards=[require_login],
        exception_handlers={Exception: handle},
        request_max_body_size=MAX_JSON_BYTES,
    )
