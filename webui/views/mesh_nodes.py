"""The boxes of the mesh, this one first, all described in the same way."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from appliance.hardware.types import Inventory
from appliance.mesh.plain import bounded, plain
from appliance.mesh.types import Peer, PeerGpu, PeerMemory, PeerModel, PeerState, Role
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import NodeState
from appliance.run_loop import Outlook
from webui.views.mesh_parts import PartView, part_views
from webui.views.mesh_words import digest, page_of, rtt_text, time_text
from webui.views.words import Meter, memory_meter

_STATES = {
    PeerState.ALIVE: ("online", "good"),
    PeerState.SUSPECT: ("silent", "warn"),
    PeerState.DEAD: ("lost", "bad"),
    PeerState.LEFT: ("left", "gone"),
}
_OWN_STATES = {
    NodeState.STARTING: ("starting", "busy"),
    NodeState.STANDBY: ("nothing to serve", "warn"),
    NodeState.LOADING: ("loading", "busy"),
    NodeState.SERVING: ("answering", "good"),
    NodeState.DRAINING: ("stopping", "warn"),
    NodeState.CLIENT: ("client", "good"),
}


@dataclass(frozen=True, slots=True)
class NodeView:
    id: str
    key: str
    href: str
    name: str
    full_name: str  # tells boxes of one name apart
    here: bool
    client: bool
    gone: bool
    icon: str
    role: str
    state: str
    tone: str
    rtt: str | None
    gpus: tuple[Meter, ...]
    memory: Meter | None
    space: Meter | None  # for models: of all accelerators together, or of the machine when it has none
    models: tuple[PartView, ...]
    addresses: tuple[str, ...]
    version: str
    flavor: str
    started: str | None
    seen: str | None


def node_views(outlook: Outlook) -> tuple[NodeView, ...]:
    """This box, then the others by name; those that only ask stand last."""
    own, peers = own_peer(outlook), outlook.snapshot.peers.values()
    names = {peer.id: _name(peer) for peer in (own, *peers)}
    often = Counter(name.casefold() for name in names.values())
    doubles = {node for node, name in names.items() if often[name.casefold()] > 1}
    others = sorted(peers, key=lambda p: (p.role is Role.CLIENT, names[p.id].casefold(), p.id))
    words = {own.id: _OWN_STATES[outlook.decision.state]}
    return tuple(_node(peer, names[peer.id], peer.id in doubles, words.get(peer.id)) for peer in (own, *others))


def own_peer(outlook: Outlook) -> Peer:
    """This box as it would describe itself to another."""
    snapshot, node = outlook.snapshot, outlook.snapshot.node
    inventory = snapshot.inventory
    return Peer(
        id=node.id,
        name=snapshot.settings.node.name,
        role=Role.CLIENT if outlook.decision.state is NodeState.CLIENT else Role.NODE,
        addresses=(f"port {node.api_port} for programs", f"port {node.web_port} for this page"),
        version=node.version,
        flavor=node.flavor,
        gpus=_own_gpus(inventory),
        memory=_own_memory(inventory),
        models=tuple(_own_model(entry, node.id) for entry in outlook.decision.serving),
        started_at=node.started_at,
    )


def _own_gpus(inventory: Inventory | None) -> tuple[PeerGpu, ...]:
    gpus = inventory.gpus if inventory else ()
    return tuple(PeerGpu(gpu.id, gpu.name, gpu.memory_total, gpu.memory_used, gpu.vendor) for gpu in gpus)


def _own_memory(inventory: Inventory | None) -> PeerMemory | None:
    memory = inventory.memory if inventory else None
    return PeerMemory(memory.total, memory.total - memory.available) if memory else None


def _own_model(entry: ServingEntry, node_id: str) -> PeerModel:
    share = next((part.share for part in entry.nodes if part.node == node_id), 0.0 if entry.nodes else 1.0)
    host = not entry.nodes or entry.nodes[0].node == node_id
    return PeerModel(
        entry.model, entry.state.value, share, entry.kind, host, entry.child.context if entry.child else None
    )


def _name(peer: Peer) -> str:
    return plain(peer.name) or "(no name)"


def _node(peer: Peer, name: str, double: bool, own_state: tuple[str, str] | None) -> NodeView:  # noqa: FBT001
    state, tone = own_state or _STATES[peer.state]
    client, gone = peer.role is Role.CLIENT, peer.state in (PeerState.DEAD, PeerState.LEFT)
    peer = _without_readings(peer) if gone else peer
    return NodeView(
        id=peer.id,
        key=digest("n", peer.id),
        href=page_of("node", peer.id),
        name=name,
        full_name=f"{name} ({_short(peer.id)})" if double else name,
        here=own_state is not None,
        client=client,
        gone=gone,
        icon="connect" if client else "gpu" if peer.gpus else "box",
        role=_role(peer),
        state=state,
        tone=tone,
        rtt=rtt_text(peer.rtt_ms),
        gpus=tuple(_meter(plain(g.name) or "Accelerator", g.memory_total, g.memory_used) for g in peer.gpus),
        memory=_machine_memory(peer),
        space=_space(peer),
        models=part_views(peer.models),
        addresses=tuple(filter(None, map(plain, peer.addresses))),
        version=plain(peer.version, 40),
        flavor=plain(peer.flavor, 40),
        started=time_text(peer.started_at),
        seen=time_text(peer.seen_at),
    )


def _without_readings(peer: Peer) -> Peer:
    """What a box has, without what it did when it was there."""
    gpus = tuple(replace(gpu, memory_used=None) for gpu in peer.gpus)
    memory = replace(peer.memory, used=None) if peer.memory else None
    return replace(peer, gpus=gpus, memory=memory, models=(), rtt_ms=None)


def _role(peer: Peer) -> str:
    if peer.role is Role.CLIENT:
        return "Client: sends requests, computes nothing"
    return "Computes with graphics processors" if peer.gpus else "Computes on its processor"


def _short(identity: str) -> str:
    """Enough of an id to tell two boxes apart."""
    return identity[:4] if identity.isascii() and identity.isalnum() else digest("", identity)[:4]


def _machine_memory(peer: Peer) -> Meter | None:
    return _meter("Memory", peer.memory.total, peer.memory.used) if peer.memory else None


def _space(peer: Peer) -> Meter | None:
    if peer.role is Role.CLIENT:
        return None
    if not peer.gpus:
        return _machine_memory(peer)
    total = sum(bounded(gpu.memory_total) or 0 for gpu in peer.gpus)
    told = [gpu.memory_used for gpu in peer.gpus if gpu.memory_used is not None]
    count = len(peer.gpus)
    return _meter(
        "1 GPU" if count == 1 else f"{count} GPUs", total, sum(bounded(used) or 0 for used in told) if told else None
    )


def _meter(label: str, total: int | None, used: int | None) -> Meter:
    return memory_meter(label, bounded(total), bounded(used))
