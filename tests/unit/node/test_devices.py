"""On which GPUs a model may run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from appliance.hardware.engine_devices import EngineDevices
from appliance.hardware.types import Gpu, Inventory
from appliance.models.types import Model
from appliance.node.commands import EndEngine, RunEngine
from appliance.node.decide import decide
from appliance.node.devices import ANYWHERE, pins_for
from appliance.node.failure import Failure
from appliance.node.serving import ServingState, engine_spec
from appliance.node.snapshot import Child, ChildState, Snapshot
from appliance.placement.pinning import Pins
from appliance.settings.schema import HardwareSettings, ModelSettings, ServingSettings, Settings
from tests.builders import make_child, make_model, make_snapshot, with_child
from tests.gpu_boxes import amd, listing, machine, mig, nvidia
from tests.unit.placement.values import published

PROFILE = published("Llama-3.1-8B")  # about 8 GiB, and as much for its whole context
MODEL = make_model("llama", profile=PROFILE, size=PROFILE.weights.total, context_length=131072)
ONE, TWO = nvidia(0x41, 1), nvidia(0x65, 2)


def box(
    here: Inventory,
    listed: EngineDevices | None,
    pins: tuple[str, ...] = (),
    caps: Mapping[str, int] | None = None,
    model: Model = MODEL,
    **own: Any,
) -> Snapshot:
    """A box that wants one model on these GPUs, with these limits in MiB."""
    snapshot = make_snapshot(wanted=(model.id,), models=(model,), inventory=here, engine_devices=listed)
    serving = ServingSettings(models=(model.id,), per_model={model.id: ModelSettings(gpus=pins, **own)})
    return replace(
        snapshot, settings=Settings(serving=serving, hardware=HardwareSettings(memory_caps=dict(caps or {})))
    )


def two_cards(*gpus: Gpu, **fields: Any) -> Snapshot:
    here = machine(*gpus)
    names = [(f"CUDA{number}", gpu.name, None) for number, gpu in enumerate(gpus)]
    return box(here, listing(here, *names), **fields)


def running(snapshot: Snapshot, model: Model = MODEL, **fields: Any) -> Snapshot:
    pins = pins_for(model, snapshot)
    assert isinstance(pins, Pins)
    return with_child(
        snapshot, replace(make_child(snapshot, model.id), spec=engine_spec(model, snapshot, pins), **fields)
    )


def failure(snapshot: Snapshot, model: Model = MODEL) -> Failure:
    found = pins_for(model, snapshot)
    assert isinstance(found, Failure)
    return found


def test_without_pins_and_limits_the_engine_chooses() -> None:
    """And nobody waits for a list of its devices."""
    assert pins_for(MODEL, replace(two_cards(ONE, TWO), engine_devices=None)) is ANYWHERE


def test_a_pinned_model_runs_there_alone() -> None:
    """With what shows the engine nothing else."""
    (command,) = decide(two_cards(ONE, TWO, pins=(TWO.id,)), 0.0).commands
    assert isinstance(command, RunEngine)
    spec = command.spec
    assert (spec.gpus, spec.devices) == ((TWO.id,), ("CUDA0",))
    assert spec.visible == (("CUDA_VISIBLE_DEVICES", str(TWO.uuid)),)


def test_until_the_engine_was_asked_a_pinned_model_waits() -> None:
    """It is planned, not failed, and not started elsewhere."""
    decision = decide(replace(two_cards(ONE, pins=(ONE.id,)), engine_devices=None), 0.0)
    assert [entry.state for entry in decision.serving] == [ServingState.PLANNED]
    assert decision.commands == ()


def test_a_pin_that_cannot_be_kept_stops_the_model() -> None:
    """Its GPU was pulled out: the engine ends, it is not run elsewhere, and the issue says why."""
    ran = running(two_cards(ONE, TWO, pins=(TWO.id,)))
    decision = decide(replace(ran, inventory=machine(ONE)), 0.0)
    (entry,) = decision.serving
    assert entry.state is ServingState.FAILED
    assert entry.failure is not None
    assert entry.failure.code == "pin_missing"
    assert decision.commands == (EndEngine(MODEL.id),)
    (issue,) = decision.issues
    assert issue.id == "pin_failed:llama"
    assert TWO.id in issue.meaning


def test_a_gpu_that_comes_back_is_used_again() -> None:
    """The model that is pinned to it starts by itself, and all cards are gone."""
    ran = running(two_cards(ONE, TWO, pins=(TWO.id,)))
    without = replace(ran, inventory=replace(machine(ONE), gone=(TWO,)), children={})
    assert {issue.id for issue in decide(without, 0.0).issues} == {"pin_failed:llama", f"gpu_gone:{TWO.id}"}
    back = decide(replace(without, inventory=machine(ONE, TWO)), 0.0)
    (command,) = back.commands
    assert isinstance(command, RunEngine)
    assert command.spec.gpus == (TWO.id,)
    assert back.issues == ()


def test_others_go_on_when_a_gpu_is_lost() -> None:
    """What is not pinned to it keeps its engine."""
    ran = running(two_cards(ONE, TWO, pins=(ONE.id,)))
    decision = decide(replace(ran, inventory=replace(machine(ONE), gone=(TWO,))), 0.0)
    assert [entry.state for entry in decision.serving] == [ServingState.READY]
    assert decision.commands == ()


def test_a_driver_that_is_silent_for_a_while_ends_no_engine() -> None:
    """The engine answers, where it shall."""
    ran = running(two_cards(ONE, TWO, pins=(TWO.id,)))
    silent = machine(ONE, replace(TWO, pinnable=False, reason="The NVIDIA driver does not answer.", memory_used=None))
    decision = decide(replace(ran, inventory=silent), 0.0)
    assert [entry.state for entry in decision.serving] == [ServingState.READY]
    assert decision.commands == ()


def test_while_its_driver_is_silent_nothing_new_starts() -> None:
    """Which GPU it is cannot be told for sure."""
    silent = replace(TWO, pinnable=False, reason="The NVIDIA driver does not answer.")
    assert failure(two_cards(ONE, silent, pins=(TWO.id,))).code == "pin_not_pinnable"


def test_a_card_that_is_put_in_beside_ends_no_engine() -> None:
    """While the engine is asked anew which devices there are."""
    ran = running(two_cards(ONE, pins=(ONE.id,)))
    decision = decide(replace(ran, inventory=machine(ONE, TWO)), 0.0)
    assert [entry.state for entry in decision.serving] == [ServingState.READY]
    assert decision.commands == ()


def test_another_pin_moves_the_model() -> None:
    """Also while the driver of the former GPU is silent."""
    silent = replace(ONE, pinnable=False, reason="The NVIDIA driver does not answer.")
    ran = running(two_cards(ONE, TWO, pins=(ONE.id,)))
    moved = replace(two_cards(silent, TWO, pins=(TWO.id,)), children=ran.children)
    (command,) = decide(moved, 0.0).commands
    assert isinstance(command, RunEngine)
    assert command.spec.gpus == (TWO.id,)


def test_a_limit_makes_the_engine_leave_memory_free() -> None:
    """On each device in its order."""
    snapshot = two_cards(ONE, TWO, caps={TWO.id: 12_000})
    pins = pins_for(MODEL, snapshot)
    assert isinstance(pins, Pins)
    assert engine_spec(MODEL, snapshot, pins).margins_mib == (1024, 12_000)


def test_a_gpu_that_was_taken_back_is_left_alone() -> None:
    """A model without pins goes on with what is left."""
    pins = pins_for(MODEL, two_cards(ONE, TWO, caps={ONE.id: 0}))
    assert isinstance(pins, Pins)
    assert pins.gpus == (TWO.id,)


def test_when_every_gpu_was_taken_back_the_processor_is_left() -> None:
    """The running engine is replaced by one that sees no GPU."""
    ran = running(two_cards(ONE))
    (command,) = decide(replace(two_cards(ONE, caps={ONE.id: 0}), children=ran.children), 0.0).commands
    assert isinstance(command, RunEngine)
    assert (command.spec.devices, command.spec.visible) == (("none",), (("CUDA_VISIBLE_DEVICES", "-1"),))


def test_a_model_that_is_pinned_to_a_gpu_taken_back_stops() -> None:
    """And says so; lifting the limit brings it back."""
    assert failure(two_cards(ONE, pins=(ONE.id,), caps={ONE.id: 0})).code == "gpu_taken_back"
    assert isinstance(pins_for(MODEL, two_cards(ONE, pins=(ONE.id,))), Pins)


def test_a_model_too_big_for_the_processor_says_whose_gpu_is_missing() -> None:
    """It is not started to fall over."""
    here = machine(ONE, memory=8)
    snapshot = box(here, listing(here, ("CUDA0", ONE.name, None)), caps={ONE.id: 0}, context=65536)
    found = failure(snapshot)
    assert found.code == "gpu_taken_back"
    assert "Does not fit" in found.detail


def test_a_limit_that_leaves_too_little_stops_the_model() -> None:
    """GPU and memory together; what is in use just now decides nothing."""
    here = machine(replace(ONE, memory_used=ONE.memory_total), memory=8)
    listed = listing(here, ("CUDA0", ONE.name, None))
    tight = box(here, listed, pins=(ONE.id,), caps={ONE.id: 2000}, context=65536)
    assert failure(tight).code == "over_gpu_limit"
    assert isinstance(pins_for(MODEL, box(here, listed, pins=(ONE.id,), caps={ONE.id: 23_000}, context=65536)), Pins)


def test_a_card_that_cannot_be_told_from_the_one_taken_back_is_left_alone_too() -> None:
    """Two equal cards without a place on the bus: better the processor than the wrong one."""
    one, two = amd(0x03), amd(0x0C, "0011223344556677")
    here = machine(one, two)
    listed = listing(here, ("Vulkan0", "AMD Radeon RX 7900 XTX", None), ("Vulkan1", "AMD Radeon RX 7900 XTX", None))
    pins = pins_for(MODEL, box(here, listed, caps={one.id: 0}))
    assert isinstance(pins, Pins)
    assert pins.devices == ("none",)


def test_of_what_is_left_the_engine_would_choose_the_same() -> None:
    """No GPU that shares the machine's memory beside one with its own; of MIG devices one."""
    shared = amd(0x04, None, name="AMD Radeon Graphics", unified_memory=True)
    here = machine(ONE, TWO, shared)
    listed = listing(here, ("Vulkan0", ONE.name, ONE), ("Vulkan1", TWO.name, TWO), ("Vulkan2", shared.name, shared))
    pins = pins_for(MODEL, box(here, listed, caps={ONE.id: 0}))
    assert isinstance(pins, Pins)
    assert pins.gpus == (TWO.id,)
    parts = machine(mig(ONE, 7), mig(ONE, 8), mig(ONE, 9))
    split = box(parts, listing(parts, ("CUDA0", "MIG", None)), caps={parts.gpus[0].id: 0})
    pins = pins_for(MODEL, split)
    assert isinstance(pins, Pins)
    assert pins.gpus == (parts.gpus[1].id,)


def test_a_limit_for_a_gpu_that_is_not_here_changes_nothing() -> None:
    """It counts again when the GPU comes back."""
    assert pins_for(MODEL, two_cards(ONE, caps={TWO.id: 0})) is ANYWHERE


@pytest.mark.parametrize("state", [ChildState.STARTING, ChildState.FAILED])
def test_only_an_engine_that_answers_is_kept_where_it_is(state: ChildState) -> None:
    """One that does not has nothing to lose."""
    ran = running(two_cards(ONE, TWO, pins=(TWO.id,)), state=state)
    silent = machine(ONE, replace(TWO, pinnable=False, reason="The NVIDIA driver does not answer."))
    decision = decide(replace(ran, inventory=silent), 0.0)
    assert [entry.state for entry in decision.serving] == [ServingState.FAILED]


def test_a_child_says_where_it_runs() -> None:
    """Its spec is that of the decision, so it is not started twice."""
    ran = running(two_cards(ONE, TWO, pins=(TWO.id,)))
    assert decide(ran, 0.0).commands == ()
    assert isinstance(next(iter(ran.children.values())), Child)
