"""An engine process fails again and again, or cannot load its model."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.node.issues.types import Fix, Issue, Severity, issue_id
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import ChildState, Snapshot

_MEANING = {
    "crash_loop": "The engine ended several times in a row; it is tried again at growing intervals.",
    "load_failed": "The engine could not load the model.",
    "load_timeout": "The engine made no progress loading the model and was stopped.",
    "wrong_answer": "The engine runs but its test question was answered wrongly, so it is not offered to anybody.",
    "wedged": "The engine had work and stopped making progress; it was restarted.",
    "crashed": "The engine ended unexpectedly; it is being started again.",
}
_ADVICE = {
    "crash_loop": (
        "Look at the last lines of its log below: often the memory is too small for this model or its context."
    ),
    "load_failed": (
        "Look at the last lines of its log below: the file may be damaged, of an unknown kind, or too "
        "large for this box."
    ),
}


def check(_snapshot: Snapshot, serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    for entry in serving:
        child, failure = entry.child, entry.failure
        if child is None or failure is None or child.state is ChildState.READY:
            continue
        yield Issue(
            id=issue_id("model_failed", entry.model),
            severity=Severity.ERROR,
            title=f"{entry.model} is not answering",
            meaning=f"{_MEANING.get(failure.code, 'The engine failed.')} {failure.detail}",
            advice=_ADVICE.get(failure.code, "Nothing to do: the box starts it again by itself."),
            fix=Fix("Try again now", "retry_model", entry.model),
            details=failure.log_tail,
        )
