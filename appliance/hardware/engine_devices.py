"""What the engine calls the accelerators: read from its own output. Pure.

`llama-server --list-devices` writes a line for each:  "  Vulkan0: AMD Radeon RX 7900 XTX (24560 MiB, 24001 MiB free)"
and before it loads a model the engine says where each is:  "using device Vulkan0 (…) (0000:03:00.0) - 24001 MiB free"
and of some whether they work in the machine's memory:       "ggml_vulkan: 0 = … (radv) | uma: 0 | fp16: 1 | …"
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

_LISTED = re.compile(r" {2}(?P<name>\S+): (?P<text>.*) \((?P<total>\d+) MiB, (?P<free>\d+) MiB free\)")
_BUS_ID = r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]"
_PLACED = re.compile(rf"using device (?P<name>\S+) \(.*\) \((?P<bus_id>{_BUS_ID})\) - ")
_SHARED = re.compile(r"ggml_vulkan: (?P<number>\d+) = [^|]*\| uma: (?P<shared>[01]) \|")
_HEADER = "Available devices:"
MOST = 64  # devices; a list that is longer is none


@dataclass(frozen=True, slots=True)
class EngineDevice:
    """An accelerator as the engine knows it. Its name holds only as long as hardware and driver stay as they are."""

    name: str  # CUDA0, ROCm1, Vulkan0
    text: str  # what its driver calls it
    total_mib: int
    bus_id: str | None = None
    free_mib: int | None = None  # when it was listed, if that says what others use
    shared: bool | None = None  # it works in the machine's memory; None when nobody says

    @property
    def backend(self) -> str:
        return self.name.rstrip("0123456789")


@dataclass(frozen=True, slots=True)
class EngineDevices:
    """What one build of the engine found on this machine; `trouble` says why it could not be asked."""

    engine: str  # which build: another one may compute otherwise
    hardware: tuple[str, ...] = ()  # what the machine had then: with other hardware the names may mean other devices
    devices: tuple[EngineDevice, ...] = ()
    trouble: str | None = None


class NotAList(ValueError):
    """The engine wrote something else."""


def parse_list(output: str) -> tuple[EngineDevice, ...]:
    """The devices that `--list-devices` wrote; what the drivers write around them is passed over."""
    lines = output.splitlines()
    if _HEADER not in lines:
        raise NotAList("It wrote no list of devices.")
    matches = (_LISTED.fullmatch(line) for line in lines[lines.index(_HEADER) + 1 :])
    found = tuple(_device(m) for m in matches if m)
    if len(found) > MOST or len({device.name for device in found}) < len(found):
        raise NotAList("Its list of devices makes no sense.")
    return found


def _device(m: re.Match[str]) -> EngineDevice:
    return EngineDevice(m["name"], m["text"].strip()[:200], int(m["total"]), free_mib=int(m["free"]))


def parse_places(output: str) -> Mapping[str, str]:
    """Bus ids by the names of the devices, as far as the drivers tell them."""
    return {m["name"]: m["bus_id"] for m in _PLACED.finditer(output)}


def with_places(devices: tuple[EngineDevice, ...], places: Mapping[str, str]) -> tuple[EngineDevice, ...]:
    return tuple(replace(device, bus_id=places.get(device.name)) for device in devices)


def parse_shared(output: str) -> Mapping[str, bool]:
    """Whether devices work in the machine's memory, by their names, as far as it is told."""
    return {f"Vulkan{m['number']}": m["shared"] == "1" for m in _SHARED.finditer(output)}


def with_shared(devices: tuple[EngineDevice, ...], shared: Mapping[str, bool]) -> tuple[EngineDevice, ...]:
    return tuple(replace(device, shared=shared.get(device.name, device.shared)) for device in devices)


def without_free(listed: EngineDevices) -> EngineDevices:
    """For a list that was made while engines of ours held memory: it does not say what others use."""
    return replace(listed, devices=tuple(replace(device, free_mib=None) for device in listed.devices))
