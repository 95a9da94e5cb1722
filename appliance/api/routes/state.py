"""What the box has and does, and the repairs it offers."""

from __future__ import annotations

from typing import Annotated, Any

from litestar import get, post
from litestar.params import FromPath, FromQuery, QueryParameter
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.api.problems import Problem
from appliance.api.status import (
    gpus_document,
    issue_document,
    models_document,
    status_document,
    timestamp,
)
from appliance.node.events import RetryAsked

Json = dict[str, Any]
MOST_LOG_LINES = 2000


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    loop = deps.loop

    @get("/api/status", sync_to_thread=False)
    def status() -> Json:
        """Everything there is to know about this box."""
        return status_document(loop.outlook, deps.clock())

    @get("/api/models", sync_to_thread=False)
    def models() -> Json:
        """The model files on this box."""
        return {"models": models_document(loop.outlook)}

    @get("/api/gpus", sync_to_thread=False)
    def gpus() -> Json:
        """The accelerators of this box."""
        return {"gpus": gpus_document(loop.outlook)}

    @get("/api/issues", sync_to_thread=False)
    def issues() -> Json:
        """Known troubles, each with what to do."""
        return {"issues": [issue_document(issue) for issue in loop.outlook.decision.issues]}

    @post("/api/issues/{issue_id:str}/fix", status_code=202, sync_to_thread=False)
    def fix(issue_id: FromPath[str]) -> Json:
        """Does what the issue's button says."""
        apply_fix(deps, issue_id)
        return {"id": issue_id, "started": True}

    @get("/api/logs", sync_to_thread=False)
    def logs(
        source: FromQuery[str | None] = None, limit: Annotated[int, QueryParameter(ge=1, le=MOST_LOG_LINES)] = 200
    ) -> Json:
        """The latest lines of the log, oldest first."""
        lines = deps.logs.lines(source, limit)
        return {"lines": [{"at": timestamp(x.at), "level": x.level, "source": x.source, "text": x.text} for x in lines]}

    return [status, models, gpus, issues, fix, logs]


def apply_fix(deps: ApiDeps, issue_id: str) -> None:
    """Posts the event behind an issue's button; the run loop does the rest."""
    issue = next((i for i in deps.loop.outlook.decision.issues if i.id == issue_id), None)
    if issue is None:
        raise Problem(404, "unknown_issue", "There is no such issue; it may be mended already.")
    if issue.fix is None:
        raise Problem(409, "no_fix", "This issue has no button. Its advice says what to do.")
    deps.loop.post(RetryAsked(issue.fix.subject))
