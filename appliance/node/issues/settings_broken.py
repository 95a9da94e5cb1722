"""The settings file could not be read at start."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.node.issues.types import Issue, Place, Severity
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot, TroubleKind


def check(snapshot: Snapshot, _serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    detail = snapshot.troubles.get(TroubleKind.SETTINGS_BROKEN)
    if detail is not None:
        yield Issue(
            id="settings_broken",
            severity=Severity.WARNING,
            title="The settings file was damaged",
            meaning=(
                "The box started with the last good backup, or with the defaults when there was none. The "
                "damaged file was kept aside."
            ),
            advice=(
                "Look through the settings and save them once; compare with the kept file when something is missing."
            ),
            place=Place("Open the settings", "/settings"),
            details=(detail,),
        )
