"""Another program listens on the API port."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.node.issues.types import Issue, Severity
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot, TroubleKind


def check(snapshot: Snapshot, _serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    detail = snapshot.troubles.get(TroubleKind.API_PORT_TAKEN)
    if detail is not None:
        yield Issue(
            id="api_port_taken",
            severity=Severity.ERROR,
            title="The API port is taken",
            meaning=f"Programs cannot reach the models on port {snapshot.node.api_port}; this page works.",
            advice=(
                "Stop the other program, or start Meshbox with another MESHBOX_API_PORT. The box tries again "
                "every few seconds."
            ),
            details=(detail,),
        )
