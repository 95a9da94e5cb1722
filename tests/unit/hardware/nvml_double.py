"""An NVIDIA driver's library with recorded answers: same functions, same errors, same shapes of answers as pynvml."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import pynvml

GIB = 1 << 30

NOT_SUPPORTED = pynvml.NVML_ERROR_NOT_SUPPORTED
LOST = pynvml.NVML_ERROR_GPU_IS_LOST


@dataclass
class Device:
    """Each answer is a value, or an NVML error number that is raised instead."""

    name: Any = "NVIDIA GeForce RTX 4090"
    uuid: Any = "GPU-8f4f6c1e-0000-1111-2222-333344445555"
    bus_id: Any = "00000000:65:00.0"
    memory: Any = (24 * GIB, GIB)
    busy: Any = 42
    temperature: Any = 51
    power: Any = 87_500
    mig: Any = NOT_SUPPORTED
    parts: list[Device | None] = field(default_factory=list)


class Error:
    """Marks an answer as an error number: numbers are answers too."""

    def __init__(self, number: int) -> None:
        self.number = number


class NvmlDouble:
    """`devices` may hold an Error in place of a device: its handle cannot be had."""

    def __init__(self, devices: list[Device | Error] | None = None, start: Error | None = None) -> None:
        self.devices = devices or []
        self.start = start
        self.sessions = 0  # begun and not ended
        self.begun = 0

    def nvmlInit(self) -> None:  # noqa: N802
        if self.start is not None:
            raise pynvml.NVMLError(self.start.number)
        self.sessions += 1
        self.begun += 1

    def nvmlShutdown(self) -> None:  # noqa: N802
        self.sessions -= 1

    def nvmlSystemGetDriverVersion(self) -> str:  # noqa: N802
        return "580.95.05"

    def nvmlDeviceGetCount(self) -> int:  # noqa: N802
        return len(self.devices)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> Any:  # noqa: N802
        return self._answer(self.devices[index])

    def nvmlDeviceGetName(self, handle: Device) -> Any:  # noqa: N802
        return self._answer(handle.name)

    def nvmlDeviceGetUUID(self, handle: Device) -> Any:  # noqa: N802
        return self._answer(handle.uuid)

    def nvmlDeviceGetPciInfo(self, handle: Device) -> Any:  # noqa: N802
        return SimpleNamespace(busId=self._answer(handle.bus_id))

    def nvmlDeviceGetMemoryInfo(self, handle: Device) -> Any:  # noqa: N802
        total, used = self._answer(handle.memory)
        return SimpleNamespace(total=total, used=used, free=total - used)

    def nvmlDeviceGetUtilizationRates(self, handle: Device) -> Any:  # noqa: N802
        return SimpleNamespace(gpu=self._answer(handle.busy), memory=0)

    def nvmlDeviceGetTemperature(self, handle: Device, sensor: int) -> Any:  # noqa: N802
        assert sensor == pynvml.NVML_TEMPERATURE_GPU
        return self._answer(handle.temperature)

    def nvmlDeviceGetPowerUsage(self, handle: Device) -> Any:  # noqa: N802
        return self._answer(handle.power)

    def nvmlDeviceGetMigMode(self, handle: Device) -> Any:  # noqa: N802
        return self._answer(Error(NOT_SUPPORTED) if handle.mig == NOT_SUPPORTED else [handle.mig, handle.mig])

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: Device) -> int:  # noqa: N802
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, device: Device, index: int) -> Any:  # noqa: N802
        part = device.parts[index] if index < len(device.parts) else None
        return self._answer(Error(pynvml.NVML_ERROR_NOT_FOUND) if part is None else part)

    def _answer(self, answer: Any) -> Any:
        if isinstance(answer, Error):
            raise pynvml.NVMLError(answer.number)
        return answer
