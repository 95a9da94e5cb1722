"""How much of the machine's own memory models may take, all together."""

from __future__ import annotations

from dataclasses import replace

from appliance.models.types import Model
from appliance.node.commands import RunEngine
from appliance.node.decide import decide
from appliance.node.fitting import resources_for, verdict_on
from appliance.node.snapshot import Snapshot
from appliance.placement.fit import Code
from appliance.settings.schema import HardwareSettings, ServingSettings, Settings
from tests.builders import make_model, make_snapshot
from tests.gpu_boxes import GIB, machine
from tests.unit.placement.values import published

PROFILE = published("Llama-3.1-8B")  # about 8 GiB


def model(name: str) -> Model:
    return make_model(name, profile=PROFILE, size=PROFILE.weights.total, context_length=131072)


def box(gib: int, *models: Model) -> Snapshot:
    """A machine with 64 GiB, no GPU, and this limit."""
    names = tuple(one.id for one in models)
    snapshot = make_snapshot(wanted=names, models=models, inventory=machine())
    settings = Settings(serving=ServingSettings(models=names), hardware=HardwareSettings(machine_memory_mib=gib * 1024))
    return replace(snapshot, settings=settings)


def started(snapshot: Snapshot) -> list[str]:
    return [command.spec.model for command in decide(snapshot, 0.0).commands if isinstance(command, RunEngine)]


def test_a_model_that_is_larger_than_the_limit_does_not_fit() -> None:
    """However much more is free."""
    one = model("a")
    assert verdict_on(one, box(0, one)).code is not Code.TOO_BIG
    assert verdict_on(one, box(4, one)).code is Code.TOO_BIG


def test_the_limit_is_what_there_is_room_for() -> None:
    """Without one it is what can be spared."""
    one = model("a")
    rooms = [resources_for(one, box(gib, one)) for gib in (0, 12)]
    assert [found and found.memory.room for found in rooms] == [62 * GIB, 12 * GIB]


def test_models_share_the_limit() -> None:
    """Two find room in the machine, and one within the limit."""
    both = (model("a"), model("b"))
    assert started(box(0, *both)) == ["a", "b"]
    assert started(box(14, *both)) == ["a"]


def test_a_context_is_cut_to_the_limit() -> None:
    """So that the engine keeps to it."""
    one = model("a")
    (command,) = decide(box(14, one), 0.0).commands
    assert isinstance(command, RunEngine)
    assert 0 < command.spec.context < 131072
    assert sum(size for _, size in command.spec.claims) <= 14 * GIB
