"""The disk under the data folder is full."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.node.issues.types import Issue, Place, Severity
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot, TroubleKind


def check(snapshot: Snapshot, _serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    detail = snapshot.troubles.get(TroubleKind.DISK_FULL)
    if detail is not None:
        yield Issue(
            id="disk_full",
            severity=Severity.ERROR,
            title="The disk is full",
            meaning="The last change was not stored; the former settings stay in force and nothing stored was lost.",
            advice="Free some space on the disk of the data folder, then make the change again.",
            place=Place("Find files to delete", "/models"),
            details=(detail,),
        )
