"""Asks the engine which accelerators it can use. Blocking; a driver that hangs costs no more than the deadline."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
from collections.abc import Sequence
from pathlib import Path

from appliance.hardware.engine_devices import (
    EngineDevice,
    EngineDevices,
    NotAList,
    parse_list,
    parse_places,
    parse_shared,
    with_places,
    with_shared,
)
from appliance.hardware.trials import hardware_of
from appliance.hardware.types import Inventory
from appliance.supervisor.llama_server import tool_environment

SECONDS = 30.0  # the first look at a GPU after a start may take long
LAST_SECONDS = 1.0  # for a killed one to be gone
_ACCELERATED = frozenset({"vulkan", "cuda", "hip", "sycl"})  # parts of the engine, by the names of their files


class DeviceList:
    """`folder` holds the engine, `model` is any model small enough to be looked at in no time."""

    def __init__(self, folder: Path, model: Path, owner: str, seconds: float = SECONDS) -> None:
        self._folder = folder
        self._model = model
        self._owner = owner
        self._seconds = seconds

    def read(self, inventory: Inventory) -> EngineDevices:
        engine, hardware = engine_key(self._folder), hardware_of(inventory)
        if not hardware and not self._has_accelerators():
            return EngineDevices(engine)
        try:
            output = self._run("llama-server", "--list-devices")
            devices = with_shared(parse_list(output), parse_shared(output))
        except subprocess.TimeoutExpired:
            trouble = f"it did not answer within {self._seconds:.0f} seconds. A driver may hang."
            return EngineDevices(engine, hardware, trouble=trouble)
        except (OSError, NotAList) as error:
            return EngineDevices(engine, hardware, trouble=str(error))
        return EngineDevices(engine, hardware, self._placed(devices))

    def _has_accelerators(self) -> bool:
        """Whether this build could use a GPU that no driver tells us of."""
        own = {path.name.split(".")[0].removeprefix("libggml-") for path in self._folder.glob("libggml-*.so")}
        return not _ACCELERATED.isdisjoint(own)

    def _placed(self, devices: tuple[EngineDevice, ...]) -> tuple[EngineDevice, ...]:
        """With where each sits on the bus and has its memory, as far as the engine can be brought to tell it."""
        if not devices:
            return devices
        names = ",".join(device.name for device in devices)
        try:
            told = self._run("llama-fit-params", "--model", str(self._model), "--device", names, "--verbose")
        except (OSError, subprocess.TimeoutExpired):
            return devices
        return with_shared(with_places(devices, parse_places(told)), parse_shared(told))

    def _run(self, program: str, *arguments: str) -> str:
        command = ["setpriv", "--pdeathsig", "KILL", "--", str(self._folder / program), *arguments]
        return _output(command, tool_environment(os.environ, self._owner), self._seconds)


def _output(command: Sequence[str], environment: dict[str, str], seconds: float) -> str:
    """All that it wrote. A process stuck in a driver cannot be killed: it is not waited for beyond the deadline."""
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        env=environment,
        start_new_session=True,
    )
    try:
        return process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=LAST_SECONDS)
        raise


def engine_key(folder: Path) -> str:
    """Which build of the engine this is."""
    try:
        manifest = json.loads((folder / "engine.json").read_text(encoding="utf-8"))
        return str(manifest["key"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    try:
        server = (folder / "llama-server").stat()
    except OSError:
        return "none"
    return f"{server.st_size}-{int(server.st_mtime)}"
