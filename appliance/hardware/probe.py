"""Puts the inventory together. Blocking, but never for longer than its deadlines, whatever a driver does."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from appliance.hardware.cpu import read_cpu
from appliance.hardware.deadline import Hung, Watched
from appliance.hardware.energy import EnergyMeter
from appliance.hardware.memory import read_memory
from appliance.hardware.sysfs import nvidia_cards, read_gpus
from appliance.hardware.types import Gpu, GpuReading, Inventory, Memory

if TYPE_CHECKING:
    from appliance.hardware.nvml import Nvml

log = logging.getLogger("meshbox.hardware")

DRIVER_SECONDS = 2.0


def _ask_nvidia() -> Callable[[], GpuReading]:
    """The library is loaded with the first question, in the prober's thread: a start does not wait for it."""

    @cache
    def session() -> Nvml:
        from appliance.hardware.nvml import Nvml  # noqa: PLC0415

        return Nvml()

    return lambda: session().read()


class Prober:
    """`root` is the top of the file tree that is read, `nvidia` what asks the NVIDIA driver."""

    def __init__(
        self,
        root: Path = Path("/"),
        nvidia: Callable[[], GpuReading] | None = None,
        allowed_cores: Callable[[], int] | None = None,
        seconds: float = DRIVER_SECONDS,
    ) -> None:
        self._root = root
        self._allowed_cores = allowed_cores or _allowed_cores
        self._nvidia = _Source("The NVIDIA driver", nvidia or _ask_nvidia(), seconds)
        meter = EnergyMeter()
        self._kernel = _Source("A graphics driver of the kernel", lambda: read_gpus(root, meter), seconds)
        self._seen: dict[str, Gpu] = {}

    def probe(self) -> Inventory:
        memory = read_memory(self._root)
        nvidia, kernel = self._nvidia.read(), self._kernel.read()
        notes = [*nvidia.notes, *kernel.notes]
        if memory is None:
            notes.append("The kernel does not say how much memory there is.")
        if not nvidia.gpus and not nvidia.notes:
            notes.extend(_out_of_reach(bus_id) for bus_id in nvidia_cards(self._root))
        gpus = (*nvidia.gpus, *kernel.gpus)
        return Inventory(
            cpu=read_cpu(self._root, self._allowed_cores()),
            memory=memory or Memory(0, 0),
            gpus=gpus,
            notes=tuple(notes),
            gone=self._gone(gpus),
        )

    def _gone(self, here: tuple[Gpu, ...]) -> tuple[Gpu, ...]:
        """Those seen earlier whose place is empty now. What was only split anew still sits where it did."""
        self._seen |= {gpu.id: _unread(gpu) for gpu in here if gpu.pinnable}
        ids, places = {gpu.id for gpu in here}, {gpu.bus_id for gpu in here if gpu.bus_id}
        self._seen = {k: gpu for k, gpu in self._seen.items() if k in ids or gpu.bus_id not in places}
        return tuple(gpu for gpu_id, gpu in self._seen.items() if gpu_id not in ids)


class _Source:
    """One driver. While it hangs, its GPUs stay as they were last seen, with nothing that may have changed."""

    def __init__(self, name: str, read: Callable[[], GpuReading], seconds: float) -> None:
        self._name = name
        self._watched = Watched(name, read, seconds)
        self._last: tuple[Gpu, ...] = ()

    def read(self) -> GpuReading:
        try:
            reading = self._watched.call()
        except Hung:
            return GpuReading(tuple(_stale(gpu, self._name) for gpu in self._last), (self._hung_in_words(),))
        except Exception as error:  # the border of a driver: however it fails, the rest of the machine is shown
            log.warning("%s failed", self._name, exc_info=True)
            return GpuReading(notes=(f"{self._name} cannot be asked about its GPUs: {error!r:.200}.",))
        self._last = reading.gpus
        return reading

    def _hung_in_words(self) -> str:
        seen = "are shown as they were last seen" if self._last else "cannot be shown"
        return f"{self._name} does not answer; its GPUs {seen}. Often only a restart of the machine helps."


def _stale(gpu: Gpu, driver: str) -> Gpu:
    return replace(_unread(gpu), pinnable=False, reason=f"{driver} does not answer.", silent=True)


def _unread(gpu: Gpu) -> Gpu:
    """Without what may have changed since."""
    return replace(gpu, memory_used=None, utilisation=None, temperature=None, power=None)


def _out_of_reach(bus_id: str) -> str:
    return (
        f"An NVIDIA card is here (pci:{bus_id}), but its driver cannot be reached. In a container, give it access "
        "to the GPU; elsewhere, install the NVIDIA driver."
    )


def _allowed_cores() -> int:
    return len(os.sched_getaffinity(0))
