"""NVIDIA GPUs, by the driver's management library. The only importer of pynvml.

Every question may fail by itself: one GPU that has no power sensor, or has fallen off the bus, hides no other.
A GPU that is split by MIG is shown as its parts, since nothing can run on the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pynvml

from appliance.hardware.types import Gpu, GpuReading

Handle = object  # a pointer of the library, only handed back to it

_NO_DRIVER = (pynvml.NVMLError_LibraryNotFound, pynvml.NVMLError_DriverNotLoaded)
_START_AGAIN = (pynvml.NVMLError_GpuIsLost, pynvml.NVMLError_Uninitialized, pynvml.NVMLError_LibRmVersionMismatch)
_MIG_EMPTY = "MIG is switched on, but the GPU has no MIG device to run on."


class Nvml:
    """A session with the driver's library. `read` blocks, and may hang when the driver does."""

    def __init__(self, library: Any = pynvml) -> None:  # noqa: ANN401 - the library has no types
        self._library = library
        self._open = False

    def read(self) -> GpuReading:
        try:
            if not self._open:
                self._library.nvmlInit()
                self._open = True
            return self._gpus()
        except _NO_DRIVER:
            return GpuReading()
        except pynvml.NVMLError as error:
            self._close()
            return GpuReading(notes=(_in_words(error),))

    def _close(self) -> None:
        """The library counts its users and sees a changed driver or bus only after the last one left."""
        if self._open:
            self._open = False
            self._try(self._library.nvmlShutdown)

    def _gpus(self) -> GpuReading:
        driver = self._try(self._library.nvmlSystemGetDriverVersion)
        gpus: list[Gpu] = []
        notes: list[str] = []
        lost = False
        for index in range(self._library.nvmlDeviceGetCount()):
            try:
                handle = self._library.nvmlDeviceGetHandleByIndex(index)
                gpus.extend(self._gpu(handle, index, driver))
            except pynvml.NVMLError as error:
                lost = lost or isinstance(error, _START_AGAIN)
                notes.append(f"NVIDIA GPU {index} does not answer its driver: {error}.")
        if lost:
            self._close()
        return GpuReading(tuple(gpus), tuple(notes))

    def _gpu(self, handle: Handle, index: int, driver: str | None) -> Iterator[Gpu]:
        """The GPU, or its MIG devices. Raises when the GPU is not there any more."""
        uuid = self._identity(handle)
        bus_id = self._bus_id(handle)
        total, used, unified = self._memory(handle)
        gpu = Gpu(
            id=_id(bus_id, uuid, index),
            name=self._try(self._library.nvmlDeviceGetName, handle) or "NVIDIA GPU",
            vendor="nvidia",
            memory_total=total,
            memory_used=used,
            pinnable=bool(bus_id or uuid),
            reason=None if bus_id or uuid else "The driver tells neither its bus id nor its UUID.",
            driver=driver,
            utilisation=self._utilisation(handle),
            temperature=_float(self._try(self._library.nvmlDeviceGetTemperature, handle, pynvml.NVML_TEMPERATURE_GPU)),
            power=_float(self._try(self._library.nvmlDeviceGetPowerUsage, handle), 1000),
            unified_memory=unified,
            uuid=uuid,
            bus_id=bus_id,
        )
        return self._parts(handle, gpu) if self._is_split(handle) else iter((gpu,))

    def _parts(self, handle: Handle, whole: Gpu) -> Iterator[Gpu]:
        count = self._try(self._library.nvmlDeviceGetMaxMigDeviceCount, handle) or 0
        found = False
        for index in range(count):
            part = self._try(self._library.nvmlDeviceGetMigDeviceHandleByIndex, handle, index)
            if part is not None:  # places where no device was made are empty
                found = True
                yield self._part(part, index, whole)
        if not found:
            yield replace(whole, pinnable=False, reason=_MIG_EMPTY)

    def _part(self, handle: Handle, index: int, whole: Gpu) -> Gpu:
        """Temperature and power are those of the whole: the parts have no sensors."""
        uuid = self._try(self._library.nvmlDeviceGetUUID, handle)
        total, used, _ = self._memory(handle)
        return Gpu(
            id=f"uuid:{uuid}" if uuid else f"{whole.id}/mig:{index}",
            name=self._try(self._library.nvmlDeviceGetName, handle) or f"{whole.name} MIG device",
            vendor=whole.vendor,
            memory_total=total,
            memory_used=used,
            pinnable=uuid is not None,
            reason=None if uuid else "The driver does not tell its UUID.",
            driver=whole.driver,
            temperature=whole.temperature,
            power=whole.power,
            uuid=uuid,
            bus_id=whole.bus_id,
            partition_of=whole.id,
        )

    def _identity(self, handle: Handle) -> str | None:
        try:
            uuid: str | None = self._library.nvmlDeviceGetUUID(handle)
        except _START_AGAIN:
            raise
        except pynvml.NVMLError:
            return None
        return uuid

    def _bus_id(self, handle: Handle) -> str | None:
        info = self._try(self._library.nvmlDeviceGetPciInfo, handle)
        written = info.busId if info is not None else ""
        domain, _, rest = (written.decode() if isinstance(written, bytes) else str(written)).lower().partition(":")
        return f"{domain[-4:] if domain.startswith('0000') else domain}:{rest}" if rest else None

    def _memory(self, handle: Handle) -> tuple[int | None, int | None, bool]:
        """Total, used, and whether the GPU has none of its own: then the driver knows no figures."""
        try:
            info = self._library.nvmlDeviceGetMemoryInfo(handle)
        except pynvml.NVMLError_NotSupported:
            return None, None, True
        except pynvml.NVMLError:
            return None, None, False
        return int(info.total), int(info.used), False

    def _utilisation(self, handle: Handle) -> float | None:
        rates = self._try(self._library.nvmlDeviceGetUtilizationRates, handle)
        return None if rates is None else min(int(rates.gpu), 100) / 100

    def _is_split(self, handle: Handle) -> bool:
        mode = self._try(self._library.nvmlDeviceGetMigMode, handle)
        return mode is not None and mode[0] == pynvml.NVML_DEVICE_MIG_ENABLE

    def _try(self, ask: Callable[..., Any], *about: object) -> Any:  # noqa: ANN401 - answers of every type
        try:
            return ask(*about)
        except pynvml.NVMLError:
            return None


def _id(bus_id: str | None, uuid: str | None, index: int) -> str:
    if bus_id is not None:
        return f"pci:{bus_id}"
    return f"uuid:{uuid}" if uuid else f"index:{index}"


def _float(value: int | None, per_unit: int = 1) -> float | None:
    return None if value is None else value / per_unit


def _in_words(error: pynvml.NVMLError) -> str:
    if isinstance(error, pynvml.NVMLError_LibRmVersionMismatch):
        return "The NVIDIA driver was updated while it ran; its GPUs come back after a restart of the machine."
    if isinstance(error, pynvml.NVMLError_NoPermission):
        return "This user may not ask the NVIDIA driver about its GPUs."
    return f"The NVIDIA driver cannot be asked about its GPUs: {error}."
