"""A device answered the question with a known answer wrongly."""

from __future__ import annotations

from collections.abc import Iterator

from appliance.hardware.trials import PROCESSOR, in_force
from appliance.node.issues.types import Issue, Place, Severity, issue_id
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import Snapshot


def check(snapshot: Snapshot, _serving: tuple[ServingEntry, ...], _now: float) -> Iterator[Issue]:
    engine = snapshot.engine_devices.engine if snapshot.engine_devices else None
    names = {gpu.id: f"GPU {gpu.id} ({gpu.name})" for gpu in (snapshot.inventory.gpus if snapshot.inventory else ())}
    for device, trial in in_force(snapshot.trials, snapshot.inventory, engine).items():
        if trial.self_test is None or not trial.self_test.wrong:
            continue
        who = "The processor" if device == PROCESSOR else names.get(device, device)
        yield Issue(
            id=issue_id("wrong_gpu", device),
            severity=Severity.ERROR,
            title=f"{who} computes wrong answers",
            meaning="A small model whose answers are known was wrong on it; no other can be trusted there either.",
            advice=(
                "Test it again. If it stays wrong, update its driver, undo any overclocking, and take the GPU back "
                "from the models until it computes right."
            ),
            place=Place("Open the GPUs", "/gpus"),
            details=(trial.self_test.detail,) if trial.self_test.detail else (),
        )
