"""What a machine has, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cpu:
    name: str
    cores: int  # usable under the container's limits
    features: tuple[str, ...] = ()
    fast_cores: int | None = None  # how many are of the fast kind, where there are two


@dataclass(frozen=True, slots=True)
class Memory:
    total: int  # bytes, under the container's limits
    available: int


@dataclass(frozen=True, slots=True)
class Gpu:
    """One accelerator. `id` is stable over reboots when `pinnable`; otherwise `reason` says why it is not."""

    id: str
    name: str
    vendor: str
    memory_total: int | None
    memory_used: int | None = None
    pinnable: bool = True
    reason: str | None = None
    driver: str | None = None
    utilisation: float | None = None  # 0..1
    temperature: float | None = None  # degrees Celsius
    power: float | None = None  # watts
    unified_memory: bool = False  # shares the machine's memory with the processor
    uuid: str | None = None
    bus_id: str | None = None  # as in `lspci -D`: 0000:65:00.0
    partition_of: str | None = None  # id of the whole GPU when this is a MIG device
    silent: bool = False  # its driver does not answer: it is shown as it was last seen


@dataclass(frozen=True, slots=True)
class GpuReading:
    """What one source says about accelerators."""

    gpus: tuple[Gpu, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inventory:
    cpu: Cpu
    memory: Memory
    gpus: tuple[Gpu, ...] = ()
    notes: tuple[str, ...] = field(default=())  # what could not be read, in words
    gone: tuple[Gpu, ...] = ()  # were here since the box started, and are not now
