"""What a machine has, as plain values."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Cpu:
    name: str
    cores: int  # usable under the container's limits
    features: tuple[str, ...] = ()


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
    unified_memory: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    cpu: Cpu
    memory: Memory
    gpus: tuple[Gpu, ...] = ()
    notes: tuple[str, ...] = field(default=())  # what could not be read, in words
