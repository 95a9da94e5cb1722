"""Outlooks with other boxes in them."""

from __future__ import annotations

from dataclasses import replace

from appliance.mesh.types import Link, Peer
from appliance.node.decide import decide
from appliance.node.events import PeersReported
from appliance.node.reduce import reduce
from appliance.node.snapshot import Snapshot
from appliance.run_loop import Outlook
from tests.builders import make_snapshot


def outlook_with(
    peers: tuple[Peer, ...] = (), links: tuple[Link, ...] = (), snapshot: Snapshot | None = None, revision: int = 1
) -> Outlook:
    """As after the event that reports them."""
    known = reduce(snapshot or make_snapshot(), PeersReported(peers, links))
    return Outlook(revision, known, decide(known, 0.0))


def named(snapshot: Snapshot, name: str) -> Snapshot:
    node = snapshot.settings.node.model_copy(update={"name": name})
    return replace(snapshot, settings=snapshot.settings.model_copy(update={"node": node}))
