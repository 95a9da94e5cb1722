"""Where nothing is left for an engine to lay out."""

from __future__ import annotations

from dataclasses import replace

from appliance.hardware.engine_devices import EngineDevice, EngineDevices
from appliance.hardware.trials import hardware_of
from appliance.hardware.types import Gpu
from appliance.models.types import Profile
from appliance.node.serving import engine_spec
from appliance.node.snapshot import Snapshot
from tests.builders import INVENTORY, make_model, make_snapshot

KNOWN = make_model(profile=Profile("llama", 1024, make_model().abilities))
NO_DEVICE = EngineDevices("build")


def settled(snapshot: Snapshot, *, known: bool = True) -> bool:
    return engine_spec(KNOWN if known else replace(KNOWN, profile=None), snapshot).settled


def test_a_model_that_is_known_and_has_only_the_processor_is_settled() -> None:
    """Placement knows all that the engine would find out."""
    assert settled(replace(make_snapshot(), engine_devices=NO_DEVICE))


def test_what_is_not_known_for_sure_is_left_to_the_engine() -> None:
    """The model, which devices there are, or whether they answer."""
    snapshot = replace(make_snapshot(), engine_devices=NO_DEVICE)
    assert not settled(snapshot, known=False)
    assert not settled(replace(snapshot, engine_devices=None))
    assert not settled(replace(snapshot, engine_devices=EngineDevices("build", trouble="A driver hangs.")))


def test_a_list_of_other_hardware_settles_nothing() -> None:
    """A card whose driver came since would get the whole model, and may have no room for it."""
    gpu = Gpu("gpu-0", "A card", "nvidia", 8 << 30)
    inventory = replace(INVENTORY, gpus=(gpu,))
    snapshot = replace(make_snapshot(), engine_devices=NO_DEVICE, inventory=inventory)
    assert not settled(snapshot)
    assert settled(replace(snapshot, engine_devices=EngineDevices("build", hardware=hardware_of(inventory))))


def test_with_a_gpu_the_engine_lays_the_model_out() -> None:
    """It sees what room is left at that moment."""
    gpu = EngineDevice("CUDA0", "a card", 8192)
    assert not settled(replace(make_snapshot(), engine_devices=EngineDevices("build", devices=(gpu,))))
