"""How the models of a box fit it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from appliance.hardware.engine_devices import EngineDevices
from appliance.hardware.trials import Benchmark, Trial, hardware_of, marks
from appliance.models.types import Model
from appliance.node.fitting import (
    bandwidths,
    devices_of,
    plans_for,
    resources_for,
    resources_to_choose_for,
    verdict_on,
    wish_for,
)
from appliance.node.snapshot import ChildState, Snapshot
from appliance.placement.fit import Code
from appliance.placement.needs import KvType, Wish
from appliance.placement.room import GIB
from appliance.settings.schema import ModelSettings, ServingSettings, Settings
from tests.builders import make_child, make_model, make_snapshot, with_child
from tests.unit.placement.values import gpu, inventory, published

PROFILE = published("Llama-3.1-8B")
MODEL = make_model("llama", profile=PROFILE, size=PROFILE.weights.total, context_length=131072)


def box(*gpus: Any, model: Model = MODEL, serving: ServingSettings | None = None, **sizes: Any) -> Snapshot:
    snapshot = make_snapshot(wanted=(model.id,), models=(model,), inventory=inventory(*gpus, **sizes))
    return replace(snapshot, settings=Settings(serving=serving)) if serving else snapshot


def test_without_hardware_nothing_is_known() -> None:
    """The first look is still under way."""
    snapshot = replace(box(), inventory=None)
    assert resources_for(MODEL, snapshot) is None
    assert verdict_on(MODEL, snapshot).code is Code.UNKNOWN


def test_the_settings_in_force_are_what_is_asked_for() -> None:
    """Those of the model before those of all."""
    own = {"llama": ModelSettings(context=8192, kv_type="q8_0")}
    serving = ServingSettings(models=("llama",), context=1024, slots=2, per_model=own)
    assert wish_for(MODEL, box(serving=serving)) == Wish(8192, 2, KvType.Q8_0)
    assert wish_for(make_model("other"), box(serving=serving)) == Wish(1024, 2)


def test_a_verdict_is_for_this_box() -> None:
    """A card that holds it all, one that holds less, and a machine that is too small."""
    verdicts = [verdict_on(MODEL, snapshot).code for snapshot in (box(gpu(total=32)), box(gpu(total=16)), box(total=8))]
    assert verdicts == [Code.FITS, Code.FITS_SHORTER, Code.TOO_BIG]


def test_a_model_of_unknown_shape_gets_a_rough_verdict() -> None:
    """From its size."""
    verdict = verdict_on(make_model("llama", size=5 * GIB), box(gpu(total=32)))
    assert (verdict.code, verdict.about) == (Code.FITS, True)


def holding(snapshot: Snapshot, gib: int, **fields: Any) -> Snapshot:
    """The model runs, let in for so much on the card."""
    child = make_child(snapshot, "llama", **fields)
    return with_child(snapshot, replace(child, spec=replace(child.spec, claims=(("pci:0", gib * GIB),))))


def test_a_running_model_makes_room_for_itself() -> None:
    """What its engine holds is not held against it."""
    snapshot = box(gpu(total=24, used=21))
    assert verdict_on(MODEL, holding(snapshot, 21)).code is Code.FITS_SHORTER
    stopped = holding(snapshot, 21, state=ChildState.STOPPED)
    assert verdict_on(MODEL, stopped).code is verdict_on(MODEL, snapshot).code is Code.PARTLY_ON_PROCESSOR


def test_a_model_to_come_may_take_what_our_engines_hold() -> None:
    """But not what other programs hold."""
    snapshot = box(gpu(total=24, used=21))
    alone, beside = resources_to_choose_for(snapshot), resources_to_choose_for(holding(snapshot, 18))
    assert alone is not None
    assert beside is not None
    assert (alone.gpu_room // GIB, beside.gpu_room // GIB) == (2, 20)
    assert resources_to_choose_for(replace(snapshot, inventory=None)) is None


def test_in_the_machines_memory_only_what_is_no_file_is_held() -> None:
    """Weights are pages of the file, which count as available."""
    snapshot = box(available=20)
    child = make_child(snapshot, "llama", anonymous=3 * GIB)
    before, after = resources_for(MODEL, snapshot), resources_for(MODEL, with_child(snapshot, child))
    assert before is not None
    assert after is not None
    assert after.memory.room - before.memory.room == 3 * GIB


def test_a_pinned_model_finds_only_its_own_gpus() -> None:
    """The others are as good as not there."""
    serving = ServingSettings(models=("llama",), per_model={"llama": ModelSettings(gpus=("pci:1",))})
    resources = resources_for(MODEL, box(gpu(0), gpu(1), serving=serving))
    assert resources is not None
    assert [device.id for device in resources.gpus] == ["pci:1"]


def test_measured_bandwidth_makes_predictions() -> None:
    """That of the same kind of weights, as long as nothing else is there than when it was measured."""
    snapshot = box(gpu(0))
    assert snapshot.inventory is not None
    benchmark = Benchmark(0.0, {"f16": 900e9, "q8_0": 850e9, "q4_k": 700e9})
    found = {"pci:0": Trial(marks(snapshot.inventory, "e")["pci:0"], benchmark=benchmark)}
    measured = replace(snapshot, trials=found, engine_devices=EngineDevices("e"))
    assert bandwidths(measured, "Q4_K_M") == {"pci:0": 700e9}
    assert bandwidths(replace(measured, engine_devices=EngineDevices("other")), "Q4_K_M") == {}
    resources = resources_for(replace(MODEL, quantisation="Q8_0"), measured)
    assert resources is not None
    assert resources.gpus[0].bandwidth == 850e9


def test_where_a_model_lies_is_told_by_device() -> None:
    """On the GPU when it fits, and on the processor without one."""
    assert devices_of(MODEL, box(gpu(total=32))) == ("pci:0",)
    assert devices_of(MODEL, box()) == ("cpu",)


def test_a_pin_that_cannot_be_kept_rules_this_box_out() -> None:
    """The plan says why instead of how."""
    serving = ServingSettings(models=("llama",), per_model={"llama": ModelSettings(gpus=("pci:9",))})
    snapshot = box(gpu(0, total=32), serving=serving)
    resources = resources_for(MODEL, snapshot)
    assert resources is not None
    found = plans_for(MODEL, snapshot, wish_for(MODEL, snapshot), (resources,), "solo")
    assert [(plan.fits, plan.verdict.code) for plan in found] == [(False, Code.NOT_POSSIBLE)]
    assert "pci:9" in (found[0].why_not or "")


def test_gpus_that_the_engine_cannot_use_are_no_room() -> None:
    """A build for processors on a machine with a card; while it is not sure, the card counts."""
    snapshot = box(gpu(0, total=32))
    assert snapshot.inventory is not None
    listed = EngineDevices("e", hardware_of(snapshot.inventory))
    for devices, places in ((listed, ()), (replace(listed, trouble="It hangs."), ("pci:0",)), (None, ("pci:0",))):
        resources = resources_for(MODEL, replace(snapshot, engine_devices=devices))
        assert resources is not None
        assert tuple(device.id for device in resources.gpus) == places
