"""The models that are served."""

from __future__ import annotations

from typing import Any

from litestar import delete, get, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from appliance.api import serving as acts
from appliance.api.deps import ApiDeps
from appliance.api.drafting import measure_again
from appliance.api.jobs import job_document
from appliance.api.serving import ServeBody
from appliance.api.status import serving_entry

Json = dict[str, Any]


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    loop = deps.loop

    @get("/api/serving", sync_to_thread=False)
    def serving() -> Json:
        """The models that are to be served, and how far each is."""
        outlook = loop.outlook
        return {"serving": [serving_entry(entry, outlook.snapshot) for entry in outlook.decision.serving]}

    @post("/api/serving", status_code=202)
    async def load(data: JSONBody[ServeBody]) -> Json:
        """Loads a model; the answer is a job to follow."""
        return job_document(await acts.load(deps, data))

    # a path parameter right after /serving/ would swallow /sleep and /wake
    @delete(["/api/serving/{model:str}", "/api/serving/{model:str}/{rest:path}"], status_code=202)
    async def unload(model: FromPath[str], rest: FromPath[str | None] = None) -> Json:
        """Unloads a model; its file stays."""
        return {"model": await acts.unload(deps, model + (rest or ""))}

    @post("/api/serving/{model:str}/sleep", status_code=202, sync_to_thread=False)
    def sleep(model: FromPath[str]) -> Json:
        """Frees a model's memory until the next request for it."""
        return {"model": acts.sleep(deps, model)}

    @post("/api/serving/{model:str}/wake", status_code=202, sync_to_thread=False)
    def wake(model: FromPath[str]) -> Json:
        """Loads a sleeping model again."""
        return {"model": acts.wake(deps, model)}

    @post("/api/serving/{model:str}/measure", status_code=202, sync_to_thread=False)
    def measure(model: FromPath[str]) -> Json:
        """Measures again how fast a model is with what drafts for it and without; it starts anew for that."""
        return {"model": measure_again(loop, acts.find_entry(deps, model))}

    return [serving, load, unload, sleep, wake, measure]
