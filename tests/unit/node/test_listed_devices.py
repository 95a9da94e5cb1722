"""Devices that only the engine tells of, as room for models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.hardware.engine_devices import EngineDevice, EngineDevices
from appliance.hardware.trials import hardware_of
from appliance.hardware.types import Gpu, Inventory
from appliance.models.types import Library, Model
from appliance.node.devices import places_of, shown_gpus
from appliance.node.events import EngineDevicesListed
from appliance.node.fitting import resources_for, resources_to_choose_for, verdict_on
from appliance.node.footprint import held_by
from appliance.node.reduce import reduce
from appliance.node.serving import wanted_entries
from appliance.node.snapshot import ChildState, Snapshot
from appliance.placement.fit import Code
from appliance.placement.room import GIB, PROCESSOR
from tests.builders import make_child, make_model, make_snapshot, with_child
from tests.unit.placement.values import gpu, inventory, published

NOW = 1000.0
LARGE = published("Llama-3.1-8B")
CARD = EngineDevice("Vulkan0", "Some Card", 24 << 10, free_mib=23 << 10, shared=False)


def model() -> Model:
    return make_model("large", size=LARGE.weights.total, context_length=LARGE.context_length, profile=LARGE)


def box(*devices: EngineDevice, here: Inventory | None = None, **settings: Any) -> Snapshot:
    """Little memory in the machine, and what the engine lists beside it."""
    machine = here or inventory(total=8, available=6)
    snapshot = make_snapshot(wanted=("large",), models=(model(),), inventory=machine)
    listed = EngineDevices("engine", hardware_of(machine), devices)
    hardware = snapshot.settings.hardware.model_copy(update=settings)
    changed = snapshot.settings.model_copy(update={"hardware": hardware})
    return replace(snapshot, engine_devices=listed, settings=changed)


def room(snapshot: Snapshot) -> dict[str, float]:
    """In GiB."""
    found = resources_for(model(), snapshot)
    assert found is not None
    return {device.id: device.room / GIB for device in found.gpus}


def test_a_card_that_only_the_engine_tells_of_is_room() -> None:
    """A model that needs it is let in, and holds its memory there."""
    assert verdict_on(model(), box()).code is Code.TOO_BIG
    snapshot = box(CARD)
    assert verdict_on(model(), snapshot).code is not Code.TOO_BIG
    (entry,) = wanted_entries(snapshot, NOW)
    assert entry.spec is not None
    claims = dict(entry.spec.claims)
    assert claims["Vulkan0"] > LARGE.weights.total // 2
    assert entry.spec.devices == ()  # the engine takes it by itself: its name may not last


def test_what_others_use_of_it_is_no_room() -> None:
    """As it was when the engine was asked; when that is not known only the margin stays free."""
    used, unknown = replace(CARD, free_mib=9 << 10), replace(CARD, free_mib=None)
    assert [room(box(device)) for device in (CARD, used, unknown)] == [
        {"Vulkan0": 22.0},
        {"Vulkan0": 8.0},
        {"Vulkan0": 23.0},
    ]


@pytest.mark.parametrize("shared", [True, None])
def test_memory_of_the_machine_is_there_once(shared: bool | None) -> None:
    """For a device that works in it, and for one of which nobody says where its memory is."""
    snapshot = box(replace(CARD, shared=shared), here=inventory(total=64, available=40))
    found = resources_for(model(), snapshot)
    assert found is not None
    assert found.unified
    assert found.gpus[0].room <= found.memory.room
    child = make_child(snapshot, "large")
    child = replace(child, spec=replace(child.spec, claims=(("Vulkan0", 5 * GIB),)))
    places = places_of(snapshot)
    assert places is not None
    assert held_by(child, places) == {PROCESSOR: 5 * GIB}


def test_our_own_engines_take_their_share_of_it() -> None:
    """What they hold was not in use when it was listed: it is taken off once, and given back once."""
    snapshot = box(CARD)
    child = make_child(snapshot, "large")
    held = replace(child, spec=replace(child.spec, claims=(("Vulkan0", 20 * GIB),)))
    assert room(with_child(snapshot, held)) == {"Vulkan0": 22.0}
    snapshot = replace(box(CARD), library=Library(models=(model(), replace(model(), id="other"))))
    serving = snapshot.settings.serving.model_copy(update={"models": ["large", "other"]})
    both = replace(snapshot, settings=snapshot.settings.model_copy(update={"serving": serving}))
    taken = replace(held, spec=replace(make_child(both, "large").spec, claims=(("Vulkan0", 20 * GIB),)))
    states = {entry.model: entry.state.value for entry in wanted_entries(with_child(both, taken), NOW)}
    assert states == {"large": "ready", "other": "sleeping"}


def test_a_list_made_beside_engines_of_ours_does_not_say_what_others_use() -> None:
    """What it calls used is ours."""
    snapshot = box()
    listed = EngineDevices("engine", hardware_of(inventory()), (CARD,))
    alone = reduce(snapshot, EngineDevicesListed(listed)).engine_devices
    running = with_child(snapshot, make_child(snapshot, "large", state=ChildState.STARTING))
    beside = reduce(running, EngineDevicesListed(listed)).engine_devices
    assert alone is not None
    assert beside is not None
    assert (alone.devices[0].free_mib, beside.devices[0].free_mib) == (23 << 10, None)


def test_known_gpus_are_not_counted_twice() -> None:
    """A device that may be one of the inventory is that one."""
    card = replace(gpu(0), name="Card 0", vendor="nvidia")
    same = EngineDevice("Vulkan0", "NVIDIA Card 0", 24 << 10, free_mib=23 << 10, shared=False)
    snapshot = box(same, here=inventory(card))
    assert list(room(snapshot)) == ["pci:0"]
    assert [one.id for one in shown_gpus(snapshot)] == ["pci:0"]


def test_a_limit_holds_engines_to_the_known_gpus() -> None:
    """They are told which they may use, and the other is none of them."""
    beside: Gpu = gpu(0)
    free, limited = (box(CARD, here=inventory(beside), **more) for more in ({}, {"memory_caps": {"pci:0": 8000}}))
    assert (list(room(free)), list(room(limited))) == (["pci:0", "Vulkan0"], ["pci:0"])


def test_other_hardware_means_other_names() -> None:
    """A list of before is no room."""
    snapshot = box(CARD)
    moved = replace(snapshot, inventory=inventory(gpu(0), total=8, available=6))
    assert list(room(moved)) == ["pci:0"]


def test_models_are_recommended_for_it() -> None:
    """The advice for a box counts it as well."""
    found = resources_to_choose_for(box(CARD))
    assert found is not None
    assert found.gpu_room == 22 * GIB
