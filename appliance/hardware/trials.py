"""What was tried on a device: whether it computes right, and how fast it is. Pure.

A result belongs to the device, its driver and the build of the engine it was found with; with another it counts no
more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from appliance.hardware.types import Gpu, Inventory

PROCESSOR = "cpu"


@dataclass(frozen=True, slots=True)
class SelfTest:
    """The question with a known answer, asked of one device alone."""

    ok: bool
    at: float
    answer_ms: float | None = None
    code: str | None = None  # why not: wrong_answer, or what kept it from being asked
    detail: str | None = None

    @property
    def wrong(self) -> bool:
        """It did compute, and not what it should."""
        return self.code == "wrong_answer"


@dataclass(frozen=True, slots=True)
class Benchmark:
    """Bytes of weights read a second when a token is made, by the kind of weights; and arithmetic on long prompts."""

    at: float
    reading: Mapping[str, float] = field(default_factory=dict)
    fp16_gflops: float | None = None
    fp32_gflops: float | None = None
    problem: str | None = None  # why nothing could be measured

    @property
    def bandwidth(self) -> float | None:
        return max(self.reading.values(), default=None)

    def bandwidth_for(self, quantisation: str | None) -> float | None:
        """For weights like those of a model: the fewer bits a weight has, the more arithmetic a byte takes."""
        return self.reading.get(kind_of(quantisation)) or self.bandwidth


@dataclass(frozen=True, slots=True)
class Trial:
    """All that is known of one device."""

    mark: str  # of the device, its driver and the engine
    self_test: SelfTest | None = None
    benchmark: Benchmark | None = None


Trials = Mapping[str, Trial]  # by the id of the device


def kind_of(quantisation: str | None) -> str:
    """Which of the measured kinds comes nearest."""
    name = (quantisation or "").upper()
    if name.startswith(("F16", "BF16", "F32")):
        return "f16"
    return "q8_0" if name.startswith(("Q8", "Q6")) else "q4_k"


def marks(inventory: Inventory, engine: str) -> dict[str, str]:
    """How each device of this machine is marked now."""
    cpu = inventory.cpu
    processor = "|".join((engine, cpu.name, str(cpu.cores), *cpu.features))
    return {PROCESSOR: processor} | {gpu.id: "|".join((engine, *_identity(gpu))) for gpu in inventory.gpus}


def in_force(trials: Trials, inventory: Inventory | None, engine: str | None) -> dict[str, Trial]:
    """Those that were found with what is here now."""
    if inventory is None or engine is None:
        return {}
    now = marks(inventory, engine)
    return {device: trial for device, trial in trials.items() if trial.mark == now.get(device)}


def hardware_of(inventory: Inventory) -> tuple[str, ...]:
    """What must stay the same for the engine's names of the devices to hold."""
    return tuple("|".join((gpu.id, *_identity(gpu))) for gpu in inventory.gpus)


def _identity(gpu: Gpu) -> tuple[str, ...]:
    return gpu.name, gpu.uuid or "", gpu.driver or "", str(gpu.memory_total or "")
