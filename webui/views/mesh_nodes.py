"""The boxes of the mesh, this one first, all described in the same way."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from appliance.hardware.types import Inventory
from appliance.mesh.plain import plain
from appliance.mesh.types import Peer, PeerGpu, PeerMemory, PeerModel, PeerState, Role
from appliance.node.serving import ServingEntry, ServingState
from appliance.node.snapshot import NodeState
from appliance.run_loop import Outlook
from webui.views.mesh_words import digest, page_of, percent, rtt_text, time_text, whole
from webui.views.serving import model_card
from webui.views.words import Meter, memory_meter

_STATES = {
    PeerState.ALIVE: ("online", "good"),
    PeerState.SUSPECT: ("not answering", "warn"),
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
_MODEL_WORDS = {
    state.value: (card.state, card.tone) for state in ServingState for card in (model_card(ServingEntry("", state)),)
}
_KINDS = {"solo": "whole", "pipeline": "split by layers", "experts": "split by experts"}


@dataclass(frozen=True, slots=True)
class PartView:
    """A model, or what one box computes of it."""

    id: str
    key: str
    href: str
    name: str
    state: str
    tone: str
    kind: str
    share: str  # "60 %"; "whole" when the box does it alone
    percent: int
    host: bool
    context: int | None


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
    return tuple(
        _node(peer, names[peer.id], peer.id in doubles, words.get(peer.id)) for peer in (own, *others)
    )


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
        rtt=None if gone else rtt_text(peer.rtt_ms),
        gpus=tuple(_meter(plain(g.name) or "Accelerator", g.memory_total, g.memory_used) for g in peer.gpus),
        memory=_meter("Memory", peer.memory.total, peer.memory.used) if peer.memory else None,
        models=() if gone else part_views(peer.models),
        addresses=tuple(filter(None, map(plain, peer.addresses))),
        version=plain(peer.version, 40),
        flavor=plain(peer.flavor, 40),
        started=time_text(peer.started_at),
        seen=time_text(peer.seen_at),
    )


def _role(peer: Peer) -> str:
    if peer.role is Role.CLIENT:
        return "Client: sends requests, computes nothing"
    return "Computes with graphics processors" if peer.gpus else "Computes on its processor"


def _short(identity: str) -> str:
    """Enough of an id to tell two boxes apart."""
    shown = plain(identity, 6)
    return shown if identity.isascii() and identity.isalnum() else digest("", identity)[:6]


def _meter(label: str, total: int | None, used: int | None) -> Meter:
    return memory_meter(label, whole(total), whole(used))


def part_views(models: Iterable[PeerModel]) -> tuple[PartView, ...]:
    return tuple(part_view(model) for model in models)


def part_view(model: PeerModel) -> PartView:
    state, tone = model_words(model.state)
    much = percent(model.share)
    return PartView(
        id=model.id,
        key=digest("m", model.id),
        href=page_of("model", model.id),
        name=plain(model.id) or "(no name)",
        state=state,
        tone=tone,
        kind=_KINDS.get(model.kind) or plain(model.kind, 40),
        share="whole" if model.kind == "solo" and much == 100 else f"{much} %",
        percent=much,
        host=model.host,
        context=whole(model.context),
    )


def model_words(state: str) -> tuple[str, str]:
    """The word and tone for a model's state; a newer box may know states that this one does not."""
    return _MODEL_WORDS.get(state) or (plain(state, 40) or "not known", "busy")
