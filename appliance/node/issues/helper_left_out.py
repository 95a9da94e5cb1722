"""A model is served without its helper or its projector, because its engine did not get ready with it."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.models.drafts import Way
from appliance.node.fallback import left_out
from appliance.node.issues.types import Fix, Issue, Severity, issue_id
from appliance.node.left_out import LeftOut
from appliance.node.serving import ServingEntry, ServingState
from appliance.node.snapshot import Snapshot

_FILE_ADVICE = "Look at the last lines of its log below: the file may be damaged, or made for another model."


def check(snapshot: Snapshot, serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    for entry in serving:
        left = left_out(entry.model, snapshot)
        if left is None or entry.state is not ServingState.READY:
            continue
        title, meaning = _words(entry.model, left)
        yield Issue(
            id=issue_id("helper_left_out", entry.model),
            severity=Severity.WARNING,
            title=title,
            meaning=f"{meaning} {left.failure.detail}",
            advice=f"{_FILE_ADVICE} Free some memory or put a good file in its place, then try again with everything.",
            fix=Fix("Try again with everything", "retry_model", entry.model),
            details=left.failure.log_tail,
        )


def _words(model: str, left: LeftOut) -> tuple[str, str]:
    if left.projector:
        return (
            f"{model} runs without its eyes and ears",
            f"Its engine did not start with {left.projector}, so it takes text only.",
        )
    if left.helper in set(Way):
        return f"{model} runs without drafting", "Its engine did not start with it; the answers are the same."
    return (
        f"{model} runs without the model that drafts for it",
        f"Its engine did not start with {left.helper}; the answers are the same, perhaps slower.",
    )
