"""The JSON routes, one file a subject. `make_router` puts them together behind the login guard."""

from __future__ import annotations

from types import ModuleType

from litestar import Router
from litestar.openapi.spec import Tag

from appliance.api.deps import ApiDeps
from appliance.api.encode import Answer
from appliance.api.login import require_login
from appliance.api.problems import handle
from appliance.api.routes import (
    about,
    account,
    activity,
    events,
    gpus,
    health,
    issues,
    jobs,
    keys,
    logs,
    models,
    objects,
    plans,
    serving,
    sessions,
    settings,
    state,
)

MAX_JSON_BYTES = 1 << 20
SUBJECT_FILES = (
    *(about, account, sessions, settings, state, gpus, models, jobs, keys, objects),
    *(serving, plans, issues, activity, logs, events, health),
)


def make_router(deps: ApiDeps) -> Router:
    return Router(
        path="/",
        route_handlers=[
            Router(path="/", route_handlers=subject.handlers(deps), tags=[_name(subject)]) for subject in SUBJECT_FILES
        ],
        guards=[require_login],
        exception_handlers={Exception: handle},
        request_max_body_size=MAX_JSON_BYTES,
        response_class=Answer,
    )


def _name(subject: ModuleType) -> str:
    return subject.__name__.rpartition(".")[2]


SUBJECTS = [
    Tag(name=_name(subject), description=(subject.__doc__ or "").partition("\n")[0]) for subject in SUBJECT_FILES
]
