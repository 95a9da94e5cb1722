"""The models folder cannot be read."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.node.issues.types import Issue, Severity
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot, TroubleKind


def check(snapshot: Snapshot, _serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    detail = snapshot.troubles.get(TroubleKind.MODELS_UNREADABLE)
    if detail is not None:
        yield Issue(
            id="models_unreadable",
            severity=Severity.WARNING,
            title="The models folder cannot be read",
            meaning="Only the bundled model can be served.",
            advice="Check that the folder exists and that the user Meshbox runs as may read it.",
            details=(detail,),
        )
