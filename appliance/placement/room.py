"""How much memory a model may take: on each GPU, and in the machine.

Memory of the machine is never counted as memory of a GPU. A GPU that shares the machine's memory brings none itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from appliance.hardware.types import Gpu, Inventory, Memory

MIB, GIB = 1 << 20, 1 << 30
GPU_MARGIN = 1 * GIB  # what the engine itself leaves free; below it, it moves layers to the processor
PROCESSOR = "cpu"
TAKEN_BACK = "Models leave this GPU alone: it was taken back."


@dataclass(frozen=True, slots=True)
class Device:
    """A place for weights. `room` is what may be taken there, its margin already left out."""

    id: str
    name: str
    room: int
    bandwidth: float | None = None  # bytes a second, where it was measured
    reason: str | None = None  # why nothing fits there


@dataclass(frozen=True, slots=True)
class NodeResources:
    """One box, as a place for models."""

    id: str
    name: str
    gpus: tuple[Device, ...]
    memory: Device
    unified: bool = False  # the GPUs work in the machine's memory: it is there once, not twice
    rtt_ms: float | None = None  # None for this box itself

    @property
    def gpu_room(self) -> int:
        return sum(gpu.room for gpu in self.gpus)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known beside the inventory. Sizes in bytes by device id, `PROCESSOR` for the machine's memory."""

    bandwidth: Mapping[str, float] = field(default_factory=dict)
    caps: Mapping[str, int] = field(default_factory=dict)  # most that may be in use on a GPU; 0: it is left alone


def resources_of(
    inventory: Inventory, node_id: str, name: str, known: Known | None = None, rtt_ms: float | None = None
) -> NodeResources:
    known = known or Known()
    memory = _memory(inventory.memory, known)
    shared = [gpu for gpu in inventory.gpus if gpu.unified_memory and known.caps.get(gpu.id) != 0]
    own = tuple(_gpu(gpu, known) for gpu in inventory.gpus if not gpu.unified_memory)
    if own or not shared:
        return NodeResources(node_id, name, own, memory, rtt_ms=rtt_ms)
    first = shared[0]
    room = min(memory.room, first.memory_total or memory.room, known.caps.get(first.id, memory.room))
    device = Device(first.id, first.name, room, known.bandwidth.get(first.id, memory.bandwidth))
    return NodeResources(node_id, name, (device,), memory, unified=True, rtt_ms=rtt_ms)


def _gpu(gpu: Gpu, known: Known) -> Device:
    bandwidth = known.bandwidth.get(gpu.id)
    if gpu.memory_total is None:
        return Device(gpu.id, gpu.name, 0, bandwidth, "How much memory it has is not known.")
    cap = known.caps.get(gpu.id, gpu.memory_total)
    if cap == 0:
        return Device(gpu.id, gpu.name, 0, bandwidth, TAKEN_BACK)
    used = gpu.memory_used or 0
    free = min(gpu.memory_total - GPU_MARGIN, cap) - used  # as the engine keeps it: others count as well
    return Device(gpu.id, gpu.name, _rounded(free, gpu.memory_total), bandwidth)


def _memory(memory: Memory, known: Known) -> Device:
    free = min(memory.available, memory.total)
    room = _rounded(free - memory_margin(memory.total), memory.total)
    return Device(PROCESSOR, "this machine's memory", room, known.bandwidth.get(PROCESSOR))


def _rounded(room: int, total: int) -> int:
    """Down to a step, so that verdicts do not flicker with every little change."""
    step = min(1 << max(total // 64, MIB).bit_length() - 1, 512 * MIB)
    return max(0, room // step * step)


def capped(memory: Memory, cap: int | None) -> Memory:
    """The machine's memory when models may take no more of it than this, all of them together."""
    if cap is None:
        return memory
    return replace(memory, available=min(memory.available, cap + memory_margin(memory.total)))


def memory_margin(total: int) -> int:
    """For the box itself and whatever else runs beside it."""
    return min(max(total // 16, 256 * MIB), 2 * GIB)
