"""Where engines that run lie, by what they said."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.hardware.engine_layout import HOST, Lain, Layout
from appliance.hardware.trials import PROCESSOR
from appliance.models.types import Model
from appliance.node.lying import computes_on, lies_on
from appliance.node.snapshot import Child, ChildState, Snapshot
from tests.builders import make_child, make_model, make_snapshot
from tests.gpu_boxes import amd, listing, machine, nvidia
from tests.unit.placement.values import published

MIB = 1 << 20
ONE, TWO, OTHER = nvidia(0x41, 1), nvidia(0x65, 2), amd(0x81)
HERE = machine(ONE, TWO, OTHER)
PROFILE = published("Llama-3.1-8B")
TABLE = -(-PROFILE.weights.embedding // MIB)
MODEL = make_model(profile=PROFILE, size=PROFILE.weights.total)


def box(model: Model = MODEL) -> Snapshot:
    """Its driver tells each card's place on the bus."""
    listed = listing(HERE, ("Vulkan0", TWO.name, TWO), ("Vulkan1", ONE.name, ONE), ("Vulkan2", OTHER.name, OTHER))
    return make_snapshot(models=(model,), inventory=HERE, engine_devices=listed)


def child(snapshot: Snapshot, *said: Lain, **fields: object) -> Child:
    layout: Layout = said
    return replace(make_child(snapshot), laid_out=layout, **fields)  # type: ignore[arg-type]


def test_devices_are_found_by_their_place_on_the_bus() -> None:
    """The engine counts them in an order of its own."""
    snapshot = box()
    said = child(snapshot, Lain("Vulkan0", 5000, 5500), Lain("Vulkan2", 3000, 3200), Lain(HOST, TABLE, TABLE + 20))
    assert computes_on(said, snapshot) == (TWO.id, OTHER.id)
    assert lies_on(said, snapshot) == {TWO.id: 5500 * MIB, OTHER.id: 3200 * MIB, PROCESSOR: (TABLE + 20) * MIB}


def test_layers_in_the_machines_memory_are_computed_there() -> None:
    """More lies there than the table of tokens."""
    snapshot = box()
    said = child(snapshot, Lain("Vulkan0", 5000, 5500), Lain(HOST, TABLE + 300, TABLE + 320))
    assert computes_on(said, snapshot) == (TWO.id, PROCESSOR)


def test_of_an_unknown_model_the_larger_part_counts() -> None:
    """How large its table of tokens is cannot be told."""
    snapshot = box(make_model())
    assert computes_on(child(snapshot, Lain("Vulkan0", 300, 310), Lain(HOST, 200, 210)), snapshot) == (TWO.id,)
    assert computes_on(child(snapshot, Lain("Vulkan0", 100, 110), Lain(HOST, 200, 210)), snapshot) == (
        TWO.id,
        PROCESSOR,
    )


def test_without_gpus_everything_is_on_the_processor() -> None:
    """Also a model smaller than one MiB, and a device that is only there."""
    snapshot = make_snapshot()
    assert computes_on(child(snapshot, Lain(HOST, 3, 11)), snapshot) == (PROCESSOR,)
    assert computes_on(child(snapshot, Lain("Vulkan0", 0, 0), Lain(HOST, 3, 11)), snapshot) == (PROCESSOR,)


def test_an_engine_that_was_shown_its_own_gpus_counts_anew() -> None:
    """Its CUDA0 is the one it is held to."""
    snapshot = box()
    spec = replace(make_child(snapshot).spec, gpus=(TWO.id,), devices=("CUDA0",))
    assert computes_on(child(snapshot, Lain("CUDA0", 50, 60), spec=spec), snapshot) == (TWO.id,)


def test_a_device_that_is_no_gpu_of_the_inventory_keeps_the_engines_name() -> None:
    """It is shown under that name."""
    snapshot = box()
    assert lies_on(child(snapshot, Lain("Vulkan7", 50, 60)), snapshot) == {"Vulkan7": 60 * MIB}


@pytest.mark.parametrize("state", [ChildState.STOPPED, ChildState.STOPPING, ChildState.FAILED])
def test_an_engine_that_is_gone_lies_nowhere(state: ChildState) -> None:
    """Whatever it said before."""
    snapshot = box()
    said = child(snapshot, Lain("Vulkan0", 50, 60), state=state)
    assert (computes_on(said, snapshot), lies_on(said, snapshot)) == ((), {})


def test_an_engine_that_did_not_say_is_not_guessed_about() -> None:
    """Neither is it on the processor."""
    snapshot = box()
    assert (computes_on(child(snapshot), snapshot), lies_on(child(snapshot), snapshot)) == ((), {})
