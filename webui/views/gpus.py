"""The accelerators of the box and its processor, in detail."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.hardware.trials import PROCESSOR
from appliance.hardware.types import Cpu, Gpu, Inventory
from appliance.node.devices import memory_cap, shown_gpus
from appliance.node.serving import ServingEntry, ServingState
from appliance.run_loop import Outlook
from webui.views.device_trials import Tried, tried_view
from webui.views.placed_models import placed_models
from webui.views.words import Meter, memory_meter, size_text

_VENDORS = {"nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel"}
_MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Accelerator:
    id: str
    element: str  # of its id in the page
    name: str
    memory: Meter
    use: Meter | None
    facts: tuple[tuple[str, str], ...]
    pinnable: bool
    note: str | None
    models: tuple[str, ...]
    tried: Tried
    limit: str | None  # in words
    taken_back: bool
    silent: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """A GPU that was here since the box started."""

    id: str
    element: str
    name: str


@dataclass(frozen=True, slots=True)
class Processor:
    name: str
    cores: str
    features: str
    memory: Meter
    limit: str | None  # in words
    models: tuple[str, ...]
    tried: Tried


@dataclass(frozen=True, slots=True)
class Proof:
    """What the model with known answers showed."""

    tone: str
    title: str
    text: str


@dataclass(frozen=True, slots=True)
class GpusView:
    gpus: tuple[Accelerator, ...]
    gone: tuple[Gone, ...]
    processor: Processor
    proof: Proof | None
    notes: tuple[str, ...]


def gpus_view(outlook: Outlook) -> GpusView | None:
    inventory = outlook.snapshot.inventory
    if inventory is None:
        return None
    models, gpus = placed_models(outlook), shown_gpus(outlook.snapshot)
    return GpusView(
        gpus=tuple(_accelerator(gpu, number, outlook, models.get(gpu.id, ())) for number, gpu in enumerate(gpus)),
        gone=tuple(Gone(gpu.id, f"gone-{number}", gpu.name) for number, gpu in enumerate(inventory.gone)),
        processor=_processor(inventory, outlook, models.get(PROCESSOR, ())),
        proof=proof(outlook.decision.serving),
        notes=(*inventory.notes, *_engine_trouble(outlook)),
    )


def _processor(inventory: Inventory, outlook: Outlook, models: tuple[str, ...]) -> Processor:
    cpu, memory = inventory.cpu, inventory.memory
    cap = memory_cap(outlook.snapshot)
    return Processor(
        name=cpu.name,
        cores=_cores(cpu),
        features=", ".join(cpu.features),
        memory=memory_meter("Memory", memory.total, memory.total - memory.available),
        limit=None if cap is None else f"Models take at most {size_text(cap)} of it, all together.",
        models=models,
        tried=tried_view(PROCESSOR, outlook.snapshot),
    )


def _cores(cpu: Cpu) -> str:
    if cpu.fast_cores:
        return f"{cpu.cores} usable; the machine has {cpu.fast_cores} fast ones and others that save power"
    return "1 usable core" if cpu.cores == 1 else f"{cpu.cores} usable cores"


def _accelerator(gpu: Gpu, number: int, outlook: Outlook, models: tuple[str, ...]) -> Accelerator:
    use = None if gpu.utilisation is None else round(gpu.utilisation * 100)
    cap = outlook.snapshot.settings.hardware.memory_caps.get(gpu.id)
    return Accelerator(
        id=gpu.id,
        element=f"gpu-{number}",
        name=gpu.name,
        memory=memory_meter("Memory", gpu.memory_total, gpu.memory_used),
        use=None if use is None else Meter("Use", f"{use} %", use),
        facts=tuple((label, value) for label, value in _facts(gpu) if value is not None),
        pinnable=gpu.pinnable,
        note=gpu.reason,
        models=models,
        tried=tried_view(gpu.id, outlook.snapshot),
        limit=f"Models are put here as long as at most {size_text(cap * _MIB)} are in use." if cap else None,
        taken_back=cap == 0,
        silent=gpu.silent,
    )


def _engine_trouble(outlook: Outlook) -> Iterator[str]:
    listed = outlook.snapshot.engine_devices
    if listed is not None and listed.trouble is not None:
        yield f"The engine could not be asked which GPUs it can use: {listed.trouble}"


def _facts(gpu: Gpu) -> tuple[tuple[str, str | None], ...]:
    return (
        ("Vendor", _VENDORS.get(gpu.vendor, gpu.vendor)),
        ("Driver", gpu.driver),
        ("Temperature", None if gpu.temperature is None else f"{gpu.temperature:.0f} °C"),
        ("Power", None if gpu.power is None else f"{gpu.power:.0f} W"),
        ("Memory kind", "shared with the processor" if gpu.unified_memory else None),
        ("Part of", gpu.partition_of),
    )


def proof(serving: tuple[ServingEntry, ...]) -> Proof | None:
    """The self-test: a small model whose answers are known computes a sum on this machine."""
    for entry in serving:
        if entry.spec is None or not entry.spec.self_test:
            continue
        child = entry.child
        if entry.state is ServingState.READY and child is not None and child.answer_ms is not None:
            return Proof(
                "good", "It computes right", f"{entry.model} answered right in {max(1, round(child.answer_ms))} ms."
            )
        if entry.state is ServingState.FAILED and entry.failure is not None:
            return Proof("bad", "The self-test failed", entry.failure.detail)
        return Proof("busy", "The self-test runs", f"{entry.model} is being asked a question with a known answer.")
    return None
