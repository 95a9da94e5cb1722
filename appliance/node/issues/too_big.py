"""A model that shall be served does not fit this box, not even alone."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.node.issues.types import Issue, Place, Severity, issue_id
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot


def check(snapshot: Snapshot, serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    for entry in serving:
        failure = entry.failure
        if failure is None or failure.code != "too_big" or entry.model in snapshot.guests:
            continue
        yield Issue(
            id=issue_id("too_big", entry.model),
            severity=Severity.WARNING,
            title=f"{entry.model} is too big for this box",
            meaning=failure.detail,
            advice=(
                "Take a smaller quantisation of it, give it a shorter context, or end other programs that use the "
                "memory. It is started as soon as it fits."
            ),
            place=Place("To the models", "/models"),
        )
