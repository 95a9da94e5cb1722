"""Asking the engine which GPUs it can use: small programs in its place write what it would write."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from appliance.hardware.engine_devices import EngineDevice, EngineDevices
from appliance.hardware.trials import hardware_of
from appliance.supervisor.device_list import DeviceList, engine_key
from tests.gpu_boxes import amd, machine

HERE = machine(amd(0x03))
LIST = 'echo "Available devices:"\necho "  Vulkan0: AMD Radeon RX 7900 XTX (RADV NAVI31) (24560 MiB, 24001 MiB free)"\n'
PLACES = (
    'echo "0.1 I f: using device Vulkan0 (AMD Radeon RX 7900 XTX (RADV NAVI31)) (0000:03:00.0) - 24001 MiB free" >&2\n'
)


def engine(folder: Path, server: str, places: str = "exit 1\n") -> DeviceList:
    for name, text in (("llama-server", server), ("llama-fit-params", places)):
        program = folder / name
        program.write_text(f"#!/bin/sh\n{text}")
        program.chmod(0o755)
    (folder / "engine.json").write_text(json.dumps({"key": "build-1"}))
    return DeviceList(folder, folder / "model.gguf", "owner", seconds=5.0)


def test_devices_come_with_their_place_on_the_bus(tmp_path: Path) -> None:
    """And with the hardware they were listed with."""
    device = EngineDevice("Vulkan0", "AMD Radeon RX 7900 XTX (RADV NAVI31)", 24560, "0000:03:00.0", 24001)
    assert engine(tmp_path, LIST, PLACES).read(HERE) == EngineDevices("build-1", hardware_of(HERE), (device,))


def test_without_a_place_the_names_are_there_all_the_same(tmp_path: Path) -> None:
    """The second question failed."""
    (device,) = engine(tmp_path, LIST).read(HERE).devices
    assert (device.name, device.bus_id) == ("Vulkan0", None)


@pytest.mark.parametrize("teller", ["server", "places"])
def test_devices_come_with_whose_memory_it_is(tmp_path: Path, teller: str) -> None:
    """Whichever of the two programs tells it."""
    told = 'echo "ggml_vulkan: 0 = AMD Radeon RX 7900 XTX (RADV NAVI31) (radv) | uma: 1 | fp16: 1" >&2\n'
    asked = engine(tmp_path, told + LIST, PLACES) if teller == "server" else engine(tmp_path, LIST, told + PLACES)
    (device,) = asked.read(HERE).devices
    assert (device.shared, device.bus_id) == (True, "0000:03:00.0")


def test_every_listed_device_is_asked_for_its_place(tmp_path: Path) -> None:
    """By name: left to itself the engine leaves some out."""
    asked = tmp_path / "asked"
    engine(tmp_path, LIST, f'echo "$@" > {asked}\n').read(HERE)
    assert "--device Vulkan0" in asked.read_text()


def test_a_driver_that_hangs_costs_the_deadline_and_no_more(tmp_path: Path) -> None:
    """It is told as a trouble; children of the program hang with it and go with it."""
    hanging = engine(tmp_path, "sleep 600 & wait\n")
    hanging._seconds = 0.2
    listed = hanging.read(HERE)
    assert listed.devices == ()
    assert listed.trouble is not None
    assert "did not answer" in listed.trouble


@pytest.mark.parametrize("text", ["exit 1\n", "echo something else\n"])
def test_no_list_is_a_trouble(tmp_path: Path, text: str) -> None:
    """Not an empty list."""
    assert engine(tmp_path, text).read(HERE).trouble is not None


def test_an_engine_that_is_not_there_is_a_trouble(tmp_path: Path) -> None:
    """`setpriv` cannot start it and says so instead of a list."""
    assert DeviceList(tmp_path, tmp_path / "model.gguf", "owner").read(HERE).trouble is not None


def test_a_machine_without_gpus_is_not_asked(tmp_path: Path) -> None:
    """There is nothing to tell apart."""
    assert engine(tmp_path, f"touch {tmp_path}/asked\n").read(machine()) == EngineDevices("build-1")
    assert not (tmp_path / "asked").exists()


def test_a_build_without_a_name_is_known_by_its_program(tmp_path: Path) -> None:
    """Another file is another build; none at all is a build as well."""
    assert engine_key(tmp_path) == "none"
    (tmp_path / "llama-server").write_text("x")
    assert engine_key(tmp_path) not in ("none", "")


@pytest.mark.parametrize(("part", "names"), [("libggml-vulkan.so", ["Vulkan0"]), ("libggml-cpu-haswell.so", [])])
def test_without_a_gpu_only_an_engine_that_could_use_one_is_asked(tmp_path: Path, part: str, names: list[str]) -> None:
    """There are GPUs that no driver but that of Vulkan tells of."""
    (tmp_path / part).touch()
    listed = engine(tmp_path, LIST).read(machine())
    assert [device.name for device in listed.devices] == names
    assert (listed.hardware, listed.trouble) == ((), None)
