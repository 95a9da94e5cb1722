"""Peers and links as plain values."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace

from appliance.mesh.lanes.choice import Measured, link_of
from appliance.mesh.lanes.lanes import Lanes
from appliance.mesh.membership import views
from appliance.mesh.membership.table import Member
from appliance.mesh.types import Link, Peer


def peers(members: Mapping[str, Member], monotonic: float) -> tuple[Peer, ...]:
    return views.peers(members, time.time() - monotonic)


def links(lanes: Lanes, members: Mapping[str, Member]) -> tuple[Link, ...]:
    """The way to each member that is there: what is open now, and how good it was when it was measured."""
    here = sorted(node for node, member in members.items() if not member.gone)
    return tuple(link_of(lanes.node, node, _known(lanes, node, members[node])) for node in here)


def _known(lanes: Lanes, node: str, member: Member) -> Measured:
    known = lanes.known(node)
    milliseconds = None if member.rtt is None else member.rtt * 1000
    if lanes.quic.link(node) is not None:
        return replace(known, quic_ms=milliseconds or known.quic_ms or 0.0, relayed_by=None)
    if lanes.connections.count(node):
        return replace(known, tls_ms=milliseconds or known.tls_ms or 0.0)
    return Measured()
