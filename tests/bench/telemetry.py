"""What looking at the hardware costs: processor time of one look, as a share of a core at the pace of the box."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from appliance.hardware.nvml import Nvml
from appliance.hardware.pci_names import AMD
from appliance.hardware.probe import Prober
from appliance.node.decide import decide
from appliance.node.events import HardwareProbed
from appliance.node.reduce import reduce
from appliance.watchers import HARDWARE_SECONDS
from tests.bench.report import Result, Row, median
from tests.bench.world import inventory, large_snapshot
from tests.unit.hardware.nvml_double import Device, NvmlDouble
from tests.unit.hardware.trees import CPU_EPYC, GIB, Tree, cgroup_v2, make_tree, meminfo, pci_gpu

ROUNDS = 200
MOST = 0.01  # of a core
BAR = f"a look every {HARDWARE_SECONDS:.0f} s takes less than {MOST:.0%} of a core"
CARDS = 8


async def bench() -> Result:
    with tempfile.TemporaryDirectory() as folder:
        rows = await asyncio.to_thread(_rows, Path(folder))
    met = all(float(str(row["% of a core"])) < MOST * 100 for row in rows)
    note = "The driver's library is a double: what the real one takes for its answers comes on top."
    return Result("telemetry", "what looking at the hardware costs", rows, BAR, met, (note,))


def _rows(folder: Path) -> list[Row]:
    return [
        _row("this machine", Prober().probe),
        _row(f"{CARDS} AMD cards in a container", Prober(_tree(folder), lambda: Nvml(NvmlDouble()).read()).probe),
        _row(f"{CARDS} NVIDIA cards", Prober(folder, Nvml(NvmlDouble([_card(n) for n in range(CARDS)])).read).probe),
        _row("what follows when something changed", _round()),
    ]


def _row(what: str, work: Callable[[], object]) -> Row:
    """Of the whole process: a look works in threads of its own."""
    work()
    times = []
    for _ in range(ROUNDS):
        began = time.process_time()
        work()
        times.append(time.process_time() - began)
    look = median(times)
    return {"what": what, "ms a look": look * 1000, "% of a core": look / HARDWARE_SECONDS * 100}


def _round() -> Callable[[], object]:
    """One reading that moved goes through the box, with a hundred others in the mesh."""
    here, moved = large_snapshot(), HardwareProbed(inventory(1))
    return lambda: decide(reduce(here, moved), time.time())


def _card(number: int) -> Device:
    return Device(bus_id=f"00000000:{number + 1:02X}:00.0", uuid=f"GPU-{number}")


def _tree(folder: Path) -> Path:
    files: Tree = {
        "mem_info_vram_total": 24 * GIB,
        "mem_info_vram_used": GIB,
        "gpu_busy_percent": 50,
        "hwmon/hwmon1/temp1_input": 50_000,
        "hwmon/hwmon1/power1_average": 100_000_000,
        "power/runtime_status": "active",
    }
    cards = [pci_gpu(n, f"0000:{n + 3:02x}:00.0", AMD, 0x744C, "amdgpu", files) for n in range(CARDS)]
    limits: dict[str, Tree] = {"": {"memory.max": 64 * GIB, "memory.current": GIB, "cpu.max": "800000 100000"}}
    return make_tree(
        folder, {"proc/cpuinfo": CPU_EPYC, "proc/meminfo": meminfo(128, 100)}, cgroup_v2("/", limits), *cards
    )
