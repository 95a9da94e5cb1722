"""The accelerators: what there is, testing and measuring them, and how much of them models may use."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from appliance.api import gpus as acts
from appliance.api.deps import ApiDeps
from appliance.api.gpu_documents import devices_document
from appliance.api.gpus import BenchmarkBody, CapBody
from appliance.api.jobs import job_document
from appliance.api.openapi import WithoutBodyAsWell

Json = dict[str, Any]


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    @get("/api/gpus", sync_to_thread=False)
    def gpus() -> Json:
        """The accelerators of this box and its processor, with what was tried on them."""
        return devices_document(deps.loop.outlook)

    @post("/api/gpus/benchmark", status_code=202, sync_to_thread=False, operation_class=WithoutBodyAsWell)
    def benchmark(data: JSONBody[BenchmarkBody | None] = None) -> Json:
        """Measures how fast devices read weights and compute; the answer is a job to follow."""
        return job_document(acts.benchmark(deps, data.gpus if data else None))

    @post("/api/gpus/{gpu_id:str}/selftest", status_code=202, sync_to_thread=False)
    def selftest(gpu_id: FromPath[str]) -> Json:
        """Asks a small model with known answers on one device alone; the answer is a job to follow."""
        return job_document(acts.selftest(deps, gpu_id))

    @post("/api/gpus/{gpu_id:str}/cap", status_code=200)
    async def cap(gpu_id: FromPath[str], data: JSONBody[CapBody]) -> Json:
        """Limits how much memory may be in use on a GPU; 0 takes it back from the models, null lifts the limit.
        With `cpu` it limits how much of the machine's own memory models may take together."""
        return {"id": gpu_id, "memory_cap_mib": await acts.cap(deps, gpu_id, data.mib)}

    return [gpus, benchmark, selftest, cap]
