"""What can be asked of devices: to be tested, to be measured, to keep memory free."""

from __future__ import annotations

from pydantic import Field

from appliance.api.deps import ApiDeps
from appliance.api.problems import Problem
from appliance.api.requests import Body
from appliance.hardware.trials import PROCESSOR
from appliance.hardware.types import Gpu
from appliance.node.jobs import Job
from appliance.settings.store import StaleRevision

TRIES = 5  # at a change of the settings that others change at the same time


class BenchmarkBody(Body):
    gpus: list[str] | None = Field(
        default=None, description="Ids of GPUs, or `cpu`; without them everything is measured", max_length=64
    )


class CapBody(Body):
    mib: int | None = Field(ge=0, le=1 << 24, description="Most MiB in use; 0 takes a GPU back, null lifts the limit")


def selftest(deps: ApiDeps, device: str) -> Job:
    return deps.trials.start_self_test(_device(deps, device))


def benchmark(deps: ApiDeps, devices: list[str] | None) -> Job:
    """All GPUs that can be told apart and the processor, unless some are named."""
    if devices is None:
        inventory = deps.loop.outlook.snapshot.inventory
        own = [gpu.id for gpu in inventory.gpus if gpu.pinnable] if inventory else []
        return deps.trials.start_benchmark((PROCESSOR, *own))
    if not devices:
        raise Problem(422, "invalid_fields", "gpus: name at least one.", fields={"gpus": "Name at least one."})
    return deps.trials.start_benchmark(tuple(dict.fromkeys(_device(deps, device) for device in devices)))


async def cap(deps: ApiDeps, device: str, mib: int | None) -> int | None:
    """Writes the limit into the settings; the run loop does the rest."""
    patch = {"hardware": _memory_cap(mib) if device == PROCESSOR else {"memory_caps": {_gpu_of(deps, device).id: mib}}}
    for _ in range(TRIES):
        try:
            await deps.settings.change(patch, deps.settings.current.revision)
        except StaleRevision:
            continue
        return mib
    raise Problem(409, "stale_revision", "The settings are being changed by others right now. Try again.")


def _memory_cap(mib: int | None) -> dict[str, int]:
    """The machine's memory cannot be taken back: something has to run the box."""
    if mib == 0:
        fields = {"mib": "At least 1 for the machine's memory; null lifts the limit."}
        raise Problem(422, "invalid_fields", "mib: at least 1 for the machine's memory.", fields=fields)
    return {"machine_memory_mib": mib or 0}


def _device(deps: ApiDeps, device: str) -> str:
    return PROCESSOR if device == PROCESSOR else _gpu_of(deps, device).id


def _gpu_of(deps: ApiDeps, device: str) -> Gpu:
    """A GPU that can be told from all others; raises Problem."""
    inventory = deps.loop.outlook.snapshot.inventory
    if inventory is None:
        raise Problem(409, "still_looking", "The box is still finding out what hardware it has. Try again in a moment.")
    gpu = next((gpu for gpu in inventory.gpus if gpu.id == device), None)
    if gpu is None:
        raise Problem(404, "unknown_gpu", f"This box has no GPU {device[:200]} now.")
    if not gpu.pinnable:
        why = gpu.reason or "Nothing tells it from another one."
        raise Problem(409, "not_pinnable", f"{gpu.id} cannot be named for this. {why}")
    return gpu
