"""The engine's binaries are not there or do not run."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.node.issues.types import Issue, Severity
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot, TroubleKind


def check(snapshot: Snapshot, _serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    detail = snapshot.troubles.get(TroubleKind.ENGINE_MISSING)
    if detail is not None:
        yield Issue(
            id="engine_missing",
            severity=Severity.ERROR,
            title="The engine is missing",
            meaning="Without it no model can run on this box; the page and the API stay up.",
            advice=(
                "In a container: use an unchanged image. Otherwise run `make setup`, or let MESHBOX_ENGINE name "
                "the folder that holds llama-server. The box looks again every few seconds."
            ),
            details=(detail,),
        )
