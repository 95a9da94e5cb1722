"""Models: those that are here, finding and fetching others, taking files in, removing them."""

from __future__ import annotations

import asyncio
import re
from typing import Annotated, Any

from litestar import Request, Response, delete, get, post, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.api.jobs import job_document
from appliance.api.model_requests import CleanupBody, FetchBody, TokenBody
from appliance.api.models import (
    advice_document,
    found_document,
    gguf_document,
    removals_document,
    resolved_document,
    unknown_document,
    upload_document,
    with_origin,
)
from appliance.api.openapi import FileOperation
from appliance.api.problems import Problem
from appliance.api.status import models_document
from appliance.jobs.cleanup import removable, unused
from appliance.models.catalog import LONGEST as LONGEST_WORDS
from appliance.models.catalog import Skill, matching
from appliance.models.failed import ModelProblem
from appliance.models.hub import MOST_FOUND, Sort
from appliance.node.fitting import resources_to_choose_for
from appliance.placement.advice import advise, advise_by_parameters

Json = dict[str, Any]
AnyRequest = Request[Any, Any, Any]
LONGEST_NAME = 1024
LONGEST_MARK = 200
_RANGE = re.compile(r"bytes (\d{1,18})-(\d{1,18})/(\d{1,18})")


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    return [*_library(deps), *_hub(deps), *_uploads(deps)]


def _library(deps: ApiDeps) -> list[ControllerRouterHandler]:
    work, loop = deps.models, deps.loop

    @get("/api/models", sync_to_thread=False)
    def models() -> Json:
        """The model files on this box, with whose they are and when each was last used."""
        return {"models": [with_origin(m, work.shelf, work.usage) for m in models_document(loop.outlook)]}

    @post("/api/models", status_code=202)
    async def fetch(data: JSONBody[FetchBody]) -> Json:
        """Fetches a model; the answer is a job to follow. Asked twice, it is the same job."""
        return job_document(await work.downloads.start(data.ref))

    @delete("/api/models/{model:path}", status_code=200)
    async def remove(model: FromPath[str]) -> Json:
        """Removes a model that Meshbox fetched and that is not served."""
        removal = await removable(work.shelf, model.lstrip("/"), loop.outlook)
        await work.shelf.remove([removal])
        return removals_document([removal], removed=True)

    @post("/api/models/cleanup", status_code=200)
    async def cleanup(data: JSONBody[CleanupBody]) -> Json:
        """Lists the models nobody used since some time; with `confirm` removes them."""
        removals = await unused(work.shelf, work.usage, loop.outlook, data.unused_since.timestamp())
        if data.confirm:
            await work.shelf.remove(removals)
        return removals_document(removals, removed=data.confirm)

    return [models, fetch, remove, cleanup]


def _hub(deps: ApiDeps) -> list[ControllerRouterHandler]:
    work = deps.models

    @get("/api/models/search")
    async def search(
        q: Annotated[str, QueryParameter(max_length=200)] = "",
        sort: FromQuery[Sort] = "downloads",
        limit: Annotated[int, QueryParameter(ge=1, le=MOST_FOUND)] = 20,
    ) -> Json:
        """Asks the hub for repositories that hold GGUF files."""
        found = await work.hub.search(q, sort, limit)
        node = resources_to_choose_for(deps.loop.outlook.snapshot)
        judged = [(one, advise_by_parameters(one.parameters, node)) for one in found]
        return {"models": [found_document(one, fit) for one, fit in judged]}

    @get("/api/models/catalog")
    async def catalog(
        q: Annotated[str, QueryParameter(max_length=LONGEST_WORDS)] = "", ability: FromQuery[Skill | None] = None
    ) -> Json:
        """Well-known models by name, each in the form that suits this box best."""
        node = resources_to_choose_for(deps.loop.outlook.snapshot)
        found = await asyncio.to_thread(lambda: [advise(entry, node) for entry in matching(q, skill=ability)])
        return {"models": [advice_document(advice) for advice in found]}

    @get("/api/models/resolve")
    async def resolve(
        ref: Annotated[str, QueryParameter(max_length=4096)],
        budget: Annotated[int | None, QueryParameter(ge=0)] = None,
    ) -> Json:
        """What would be fetched, and what its first bytes tell; with `budget` the largest form of so many bytes."""
        resolved = await work.planner.resolve(work.planner.parse(ref), budget)
        try:
            gguf = gguf_document(await work.planner.header(resolved.plan), resolved.plan)
        except ModelProblem as problem:  # a gated file, for one: what it is called and how large it is, is known
            gguf = unknown_document(problem)
        return resolved_document(ref, resolved, await _free(deps)) | {"gguf": gguf}

    @get("/api/hub/token")
    async def token_known() -> Json:
        """Whether a token is stored; it is never shown."""
        return {"known": await work.hub.token.known()}

    @put("/api/hub/token")
    async def set_token(data: JSONBody[TokenBody]) -> Json:
        """Stores the token for repositories that are given only to some."""
        await work.hub.token.set(data.token)
        return {"known": True}

    @delete("/api/hub/token", status_code=200)
    async def clear_token() -> Json:
        """Forgets the token."""
        await work.hub.token.clear()
        return {"known": False}

    return [search, catalog, resolve, token_known, set_token, clear_token]


def _uploads(deps: ApiDeps) -> list[ControllerRouterHandler]:
    uploads = deps.models.uploads

    @get("/api/models/upload")
    async def uploaded(
        name: Annotated[str, QueryParameter(max_length=LONGEST_NAME)],
        mark: Annotated[str | None, QueryParameter(max_length=LONGEST_MARK)] = None,
    ) -> Json:
        """How much of a file is here, to go on with it; with `mark`, of this very file."""
        return upload_document(await uploads.received(name, mark))

    @post(
        "/api/models/upload",
        status_code=201,
        responses={202: ResponseSpec(Json, generate_examples=False, description="More of the file is to come")},
        operation_class=FileOperation,
        request_max_body_size=None,
    )
    async def upload(
        request: AnyRequest,
        name: Annotated[str, QueryParameter(max_length=LONGEST_NAME)],
        offset: Annotated[int, QueryParameter(ge=0)] = 0,
        mark: Annotated[str | None, QueryParameter(max_length=LONGEST_MARK)] = None,
    ) -> Response[Json]:
        """Takes a file as the raw body; 201 when it was taken in, 202 when more of it is to come.

        To send it in parts, say where each begins: `Content-Range: bytes 0-999/5000`. A `mark` of your own (its length
        and age, say) keeps another file of the same name from being gone on with.
        """
        begin, total = _placed(request, offset)
        received = await uploads.receive(name, begin, total, request.stream(), mark)
        return Response(upload_document(received), status_code=201 if received.model else 202)

    return [uploaded, upload]


def _placed(request: AnyRequest, offset: int) -> tuple[int, int | None]:
    """Where the body begins in the file, and how long the file is when that is told."""
    given = request.headers.get("content-range")
    if given is not None:
        match = _RANGE.fullmatch(given)
        if match is None:
            raise Problem(400, "bad_range", "Content-Range must have the form: bytes 0-999/5000.")
        return int(match[1]), int(match[3])
    length = request.headers.get("content-length", "")
    return offset, offset + int(length) if length.isdecimal() and len(length) < 19 else None


async def _free(deps: ApiDeps) -> int | None:
    try:
        return await asyncio.to_thread(deps.models.free, deps.models.models_folder)
    except OSError:
        return None
