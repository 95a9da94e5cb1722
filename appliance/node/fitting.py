"""How the models of this box fit it, from what is known."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from appliance.hardware.trials import hardware_of, in_force
from appliance.hardware.types import Inventory
from appliance.models.types import Model
from appliance.node.devices import caps_in_bytes, pins_for, places_of
from appliance.node.failure import Failure
from appliance.node.footprint import without_ours
from appliance.node.snapshot import Snapshot
from appliance.node.wish import own_settings, wished
from appliance.placement.fit import Code, Sizes, Verdict, fit, fit_sizes, profile_of
from appliance.placement.matching import with_totals
from appliance.placement.needs import Wish
from appliance.placement.pinning import meant
from appliance.placement.plan import SOLO, Plan, plans
from appliance.placement.room import Known, NodeResources, resources_of


def verdict_on(model: Model, snapshot: Snapshot) -> Verdict:
    """For the settings in force; other models of this box would make room."""
    resources = resources_for(model, snapshot)
    return Verdict(Code.UNKNOWN) if resources is None else _verdict(model, wish_for(model, snapshot), resources)


@lru_cache(maxsize=1024)
def _verdict(model: Model, wish: Wish, resources: NodeResources) -> Verdict:
    return fit_sizes(_sizes(model, wish), resources).verdict


@lru_cache(maxsize=1024)
def _sizes(model: Model, wish: Wish) -> Sizes:
    """Memory changes all the time; what the model takes does not."""
    return Sizes(profile_of(model), wish)


def wish_for(model: Model, snapshot: Snapshot) -> Wish:
    return wished(model.id, snapshot.settings.serving)


def resources_for(model: Model, snapshot: Snapshot) -> NodeResources | None:
    """Where it may run: our other engines make room for it. None as long as the hardware is not known."""
    places = places_of(snapshot)
    return None if places is None else resources_in(without_ours(snapshot, places), model, snapshot)


def resources_in(inventory: Inventory, model: Model, snapshot: Snapshot) -> NodeResources:
    """A model that is pinned finds only its own GPUs."""
    known = Known(bandwidth=bandwidths(snapshot, model.quantisation), caps=caps_in_bytes(snapshot))
    seen = with_totals(_seen_by(model, snapshot, inventory), snapshot.engine_devices)
    return resources_of(seen, snapshot.node.id, snapshot.settings.node.name, known)


def bandwidths(snapshot: Snapshot, quantisation: str | None) -> dict[str, float]:
    """How fast weights of this kind are read, where it was measured with what is here now."""
    engine = snapshot.engine_devices.engine if snapshot.engine_devices else None
    found = in_force(snapshot.trials, snapshot.inventory, engine)
    rates = {device: trial.benchmark.bandwidth_for(quantisation) for device, trial in found.items() if trial.benchmark}
    return {device: rate for device, rate in rates.items() if rate is not None}


def plans_for(
    model: Model, snapshot: Snapshot, wish: Wish, nodes: tuple[NodeResources, ...], kind: str | None = None
) -> tuple[Plan, ...]:
    """Every way to run it. What its pins and the limits of GPUs rule out is not possible on this box alone."""
    found = plans(profile_of(model), wish, nodes, kind)
    barred = pins_for(model, snapshot)
    if not isinstance(barred, Failure):
        return found
    solo = [_ruled_out(plan, barred.detail) for plan in found if plan.kind == SOLO]
    return (*solo[:1], *(plan for plan in found if plan.kind != SOLO))


def _ruled_out(plan: Plan, why: str) -> Plan:
    nodes = tuple(replace(node, share=0.0, reason=why) for node in plan.nodes)
    verdict = Verdict(Code.NOT_POSSIBLE)
    return replace(plan, nodes=nodes, fits=False, verdict=verdict, place=None, devices=(), predicted=None, why_not=why)


def devices_of(model: Model, snapshot: Snapshot) -> tuple[str, ...]:
    """Where it would lie, most likely: ids of GPUs, and `PROCESSOR` where the machine's memory is read."""
    resources = resources_for(model, snapshot)
    if resources is None:
        return ()
    return _devices(model, wish_for(model, snapshot), resources)


@lru_cache(maxsize=256)
def _devices(model: Model, wish: Wish, resources: NodeResources) -> tuple[str, ...]:
    return tuple(part.device.id for part in fit(profile_of(model), wish, resources).placed if part.read)


def _seen_by(model: Model, snapshot: Snapshot, inventory: Inventory) -> Inventory:
    listed = snapshot.engine_devices
    if listed and not listed.devices and listed.trouble is None and listed.hardware == hardware_of(inventory):
        return replace(inventory, gpus=())  # this build of the engine can use none of them
    pinned = own_settings(model.id, snapshot.settings.serving).gpus
    if pinned:
        return replace(inventory, gpus=meant(pinned, inventory))
    own = {gpu.id for gpu in snapshot.inventory.gpus} if snapshot.inventory else set()
    if own.isdisjoint(snapshot.settings.hardware.memory_caps):
        return inventory
    return replace(inventory, gpus=tuple(gpu for gpu in inventory.gpus if gpu.id in own))  # it is held to some of these


def resources_to_choose_for(snapshot: Snapshot) -> NodeResources | None:
    """For a model that is not here yet."""
    places = places_of(snapshot)
    if places is None:
        return None
    alone = with_totals(without_ours(snapshot, places), snapshot.engine_devices)
    return resources_of(alone, snapshot.node.id, snapshot.settings.node.name, Known(caps=caps_in_bytes(snapshot)))
