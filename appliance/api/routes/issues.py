"""Known troubles: what there is to mend, the buttons that mend it, and what a person does not want to see."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.api.problems import Problem
from appliance.api.status import issue_document
from appliance.node.events import IssueHidden, IssueShown, RetryAsked
from appliance.node.issues import Issue, Severity

Json = dict[str, Any]


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    @get("/api/issues", sync_to_thread=False)
    def issues() -> Json:
        """Known troubles, each with what to do; also those that were dismissed."""
        return {"issues": [issue_document(issue) for issue in deps.loop.outlook.decision.issues]}

    @post("/api/issues/{issue_id:str}/fix", status_code=202, sync_to_thread=False)
    def fix(issue_id: FromPath[str]) -> Json:
        """Does what the issue's button says."""
        apply_fix(deps, issue_id)
        return {"id": issue_id, "started": True}

    @post("/api/issues/{issue_id:str}/dismiss", status_code=200, sync_to_thread=False)
    def dismiss(issue_id: FromPath[str]) -> Json:
        """Leaves the issue out of the status until it happens again."""
        hide_issue(deps, issue_id)
        return {"id": issue_id, "dismissed": True}

    @post("/api/issues/{issue_id:str}/restore", status_code=200, sync_to_thread=False)
    def restore(issue_id: FromPath[str]) -> Json:
        """Takes a dismissal back."""
        show_issue(deps, issue_id)
        return {"id": issue_id, "dismissed": False}

    return [issues, fix, dismiss, restore]


def apply_fix(deps: ApiDeps, issue_id: str) -> None:
    """Posts the event behind an issue's button; the run loop does the rest."""
    issue = _find(deps, issue_id)
    if issue.fix is None:
        raise Problem(409, "no_fix", "This issue has no button. Its advice says what to do.")
    deps.loop.post(RetryAsked(issue.fix.subject))


def hide_issue(deps: ApiDeps, issue_id: str) -> None:
    issue = _find(deps, issue_id)
    deps.loop.post(IssueHidden(issue.id, grave=issue.severity is Severity.ERROR))


def show_issue(deps: ApiDeps, issue_id: str) -> None:
    deps.loop.post(IssueShown(_find(deps, issue_id).id))


def _find(deps: ApiDeps, issue_id: str) -> Issue:
    issue = next((i for i in deps.loop.outlook.decision.issues if i.id == issue_id), None)
    if issue is None:
        raise Problem(404, "unknown_issue", "There is no such issue; it may be mended already.")
    return issue
