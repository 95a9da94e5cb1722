"""Devices as documents, with what was tried on them."""

from __future__ import annotations

from typing import Any

from appliance.api.times import timestamp
from appliance.hardware.trials import PROCESSOR, Trial, in_force
from appliance.hardware.types import Gpu
from appliance.node.devices import shown_gpus
from appliance.node.snapshot import Snapshot
from appliance.run_loop import Outlook

Document = dict[str, Any]


def devices_document(outlook: Outlook) -> Document:
    snapshot = outlook.snapshot
    gone = snapshot.inventory.gone if snapshot.inventory else ()
    return {
        "gpus": gpus_document(outlook),
        "gone": [{"id": gpu.id, "name": gpu.name} for gpu in gone],
        "cpu": _tried(trials_of(snapshot).get(PROCESSOR))
        | {"memory_cap_mib": snapshot.settings.hardware.machine_memory_mib or None},
    }


def gpus_document(outlook: Outlook) -> list[Document]:
    snapshot = outlook.snapshot
    tried, caps = trials_of(snapshot), snapshot.settings.hardware.memory_caps
    gpus = shown_gpus(snapshot)
    return [_gpu(gpu) | {"memory_cap_mib": caps.get(gpu.id)} | _tried(tried.get(gpu.id)) for gpu in gpus]


def trials_of(snapshot: Snapshot) -> dict[str, Trial]:
    """What was tried with the hardware and the engine there are now."""
    engine = snapshot.engine_devices.engine if snapshot.engine_devices else None
    return in_force(snapshot.trials, snapshot.inventory, engine)


def _gpu(gpu: Gpu) -> Document:
    return {
        "id": gpu.id,
        "name": gpu.name,
        "vendor": gpu.vendor,
        "driver": gpu.driver,
        "memory": {"total": gpu.memory_total, "used": gpu.memory_used},
        "unified_memory": gpu.unified_memory,
        "utilisation": gpu.utilisation,
        "temperature": gpu.temperature,
        "power": gpu.power,
        "silent": gpu.silent,
        "pinnable": gpu.pinnable,
        "reason": gpu.reason,
    }


def _tried(trial: Trial | None) -> Document:
    test, bench = (trial.self_test, trial.benchmark) if trial else (None, None)
    return {
        "selftest": test
        and {"ok": test.ok, "answer_ms": test.answer_ms, "code": test.code, "detail": test.detail}
        | {"at": timestamp(test.at)},
        "benchmark": bench
        and {
            "bandwidth": bench.bandwidth,
            "reading": dict(bench.reading),
            "fp16_gflops": bench.fp16_gflops,
            "fp32_gflops": bench.fp32_gflops,
            "problem": bench.problem,
            "at": timestamp(bench.at),
        },
    }
