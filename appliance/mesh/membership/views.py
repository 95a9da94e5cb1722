"""Peers for pages and routing: what other boxes say, made harmless to show."""

from __future__ import annotations

import math
from collections.abc import Mapping

from appliance.mesh.membership.facts import GpuFact, ModelFact
from appliance.mesh.membership.promotion import LISTED_ONLY
from appliance.mesh.membership.table import Member
from appliance.mesh.plain import bounded, plain
from appliance.mesh.types import Peer, PeerGpu, PeerMemory, PeerModel, Role

MOST_PEERS = 2048
SKEWED = 120.0  # seconds by which a clock may be wrong before it is worth a word


def peers(members: Mapping[str, Member], wall_offset: float) -> tuple[Peer, ...]:
    """By id; those who are not there any more last to be left out when there are too many."""
    order = sorted(members, key=lambda node: (members[node].gone, node))[:MOST_PEERS]
    return tuple(_peer(node, members[node], wall_offset) for node in sorted(order))


def skewed(members: Mapping[str, Member]) -> dict[str, float]:
    """Whose wall clock is far from this box's, and by how many seconds it is ahead."""
    return {
        node: member.skew
        for node, member in members.items()
        if not member.gone and member.skew is not None and abs(member.skew) > SKEWED
    }


def _peer(node: str, member: Member, wall_offset: float) -> Peer:
    facts = member.record.facts
    return Peer(
        id=node,
        name=plain(facts.name, 64),
        role=Role.CLIENT if facts.role == Role.CLIENT else Role.NODE,
        state=member.state,
        rtt_ms=None if member.rtt is None else _steady(member.rtt * 1000),
        addresses=tuple(plain(address, 64) for address in facts.addresses),
        version=plain(facts.version, 64),
        flavor=plain(facts.flavor, 64),
        gpus=tuple(_gpu(gpu) for gpu in facts.gpus),
        memory=PeerMemory(bounded(facts.memory.total) or 0, bounded(facts.memory.used)) if facts.memory.total else None,
        models=tuple(_model(model) for model in facts.models if model.state != LISTED_ONLY),
        started_at=float(facts.started) if facts.started else None,
        seen_at=member.heard + wall_offset if math.isfinite(member.heard) else None,
    )


def _gpu(gpu: GpuFact) -> PeerGpu:
    return PeerGpu(plain(gpu.id), plain(gpu.name, 64), bounded(gpu.total), bounded(gpu.used), plain(gpu.vendor, 64))


def _model(model: ModelFact) -> PeerModel:
    return PeerModel(
        id=plain(model.id),
        state=plain(model.state, 64),
        share=model.share,
        kind=plain(model.kind, 64),
        host=model.host,
        context=bounded(model.context),
        abilities=_words(model.abilities),
        modalities=_words(model.modalities),
        skills=_words(model.skills),
        parameters=bounded(model.parameters),
        slots=bounded(model.slots),
        busy=bounded(model.busy) or 0,
    )


def _words(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(plain(word, 32) for word in words)


def _steady(milliseconds: float) -> float:
    """In steps of a quarter: a page need not hear of every flicker."""
    if milliseconds <= 0.1:
        return 0.1
    return float(f"{10 ** (round(10 * math.log10(milliseconds)) / 10):.2g}")
