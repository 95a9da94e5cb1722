"""How the models of this box fit it, from what is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from appliance.hardware.types import Inventory
from appliance.models.types import Model
from appliance.node.serving import engine_spec
from appliance.node.snapshot import Child, ChildState, Snapshot
from appliance.placement.fit import Code, Verdict, fit, profile_of
from appliance.placement.needs import KvType, Wish, needs
from appliance.placement.room import PROCESSOR, Known, NodeResources, resources_of


def verdict_on(model: Model, snapshot: Snapshot) -> Verdict:
    """For the settings in force. A model that runs makes room for itself."""
    resources = resources_for(model, snapshot)
    return Verdict(Code.UNKNOWN) if resources is None else _verdict(model, wish_for(model, snapshot), resources)


@lru_cache(maxsize=1024)
def _verdict(model: Model, wish: Wish, resources: NodeResources) -> Verdict:
    return fit(profile_of(model), wish, resources).verdict


def wish_for(model: Model, snapshot: Snapshot) -> Wish:
    spec = engine_spec(model, snapshot)
    return Wish(spec.context, spec.slots, KvType.named(spec.kv_type))


def resources_for(model: Model, snapshot: Snapshot) -> NodeResources | None:
    """None as long as the hardware is not known."""
    inventory, child = snapshot.inventory, snapshot.children.get(model.id)
    if inventory is None:
        return None
    held = _held(model, child, snapshot, inventory) if child else {}
    return resources_of(inventory, snapshot.node.id, snapshot.settings.node.name, Known(reclaimable=held))


def _held(model: Model, child: Child, snapshot: Snapshot, inventory: Inventory) -> Mapping[str, int]:
    """What its own engine takes, as far as that is not free already: weights in the machine's memory are."""
    if child.state not in {ChildState.READY, ChildState.STARTING}:
        return {}
    used = {gpu.id: gpu.memory_used or 0 for gpu in inventory.gpus if not gpu.unified_memory}
    empty = replace(inventory, gpus=tuple(replace(gpu, memory_used=0) for gpu in inventory.gpus))
    resources = resources_of(empty, snapshot.node.id, snapshot.settings.node.name)
    wish = wish_for(model, snapshot)
    if resources.gpus and not resources.unified:
        placed = fit(profile_of(model), wish, resources).placed
        return {p.device.id: min(p.size, used.get(p.device.id, 0)) for p in placed if p.device.id != PROCESSOR}
    taken = needs(profile_of(model), child.context or wish.context or model.context_length, wish.slots, wish.kv)
    return {PROCESSOR: taken.kv + taken.compute}
