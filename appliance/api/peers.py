"""The other boxes in the status document. What they say is made harmless: one bad text would end the stream."""

from __future__ import annotations

from typing import Any

from appliance.api.times import timestamp
from appliance.mesh.plain import bounded, plain
from appliance.mesh.types import Link, Peer, PeerGpu, PeerModel, PeerState
from appliance.node.snapshot import Snapshot

Document = dict[str, Any]
END_OF_TIME = 253_402_300_800  # the year 10000


def members(snapshot: Snapshot) -> int:
    """This box and everyone who has not said goodbye."""
    return 1 + sum(peer.state is not PeerState.LEFT for peer in snapshot.peers.values())


def peer_document(peer: Peer) -> Document:
    memory = peer.memory
    return {
        "id": plain(peer.id),
        "name": plain(peer.name),
        "role": peer.role.value,
        "state": peer.state.value,
        "rtt_ms": peer.rtt_ms,
        "addresses": [plain(address) for address in peer.addresses],
        "version": plain(peer.version),
        "flavor": plain(peer.flavor),
        "gpus": [_gpu(gpu) for gpu in peer.gpus],
        "memory": {"total": bounded(memory.total), "used": bounded(memory.used)} if memory else None,
        "models": [_model(model) for model in peer.models],
        "started_at": _time(peer.started_at),
        "seen_at": _time(peer.seen_at),
    }


def _gpu(gpu: PeerGpu) -> Document:
    return {
        "id": plain(gpu.id),
        "name": plain(gpu.name),
        "vendor": plain(gpu.vendor),
        "memory": {"total": bounded(gpu.memory_total), "used": bounded(gpu.memory_used)},
    }


def _model(model: PeerModel) -> Document:
    return {
        "id": plain(model.id),
        "state": plain(model.state),
        "kind": plain(model.kind),
        "share": model.share,
        "host": model.host,
        "context_length": bounded(model.context),
    }


def link_document(link: Link) -> Document:
    return {
        "from": plain(link.source),
        "to": plain(link.target),
        "lane": link.lane.value if link.lane else None,
        "rtt_ms": link.rtt_ms,
        "mb_s": link.mb_s,
        "loss": link.loss,
        "via": plain(link.via) if link.via is not None else None,
    }


def _time(at: float | None) -> str | None:
    """A peer's clock may say anything; nothing at all when it is no time of this world."""
    return timestamp(at) if at is not None and 0 <= at < END_OF_TIME else None
