"""A model file is damaged or cut short."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.node.issues.types import Issue, Place, Severity, issue_id
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot


def check(snapshot: Snapshot, _serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    for file in snapshot.library.broken if snapshot.library else ():
        yield Issue(
            id=issue_id("broken_file", file.id),
            severity=Severity.WARNING,
            title=f"{file.id} cannot be served",
            meaning=file.reason,
            advice="Mend it, fetch it again or delete it. The folder is looked through every few seconds.",
            place=Place("Open the models", "/models"),
            details=(file.path,),
        )
