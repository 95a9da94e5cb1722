"""Objects: large attachments that go up once and are then named in requests by their address."""

from __future__ import annotations

from typing import Any

from litestar import Request, delete, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.api.openapi import FileOperation
from appliance.objects.form import file_in
from appliance.objects.types import OWNER

Json = dict[str, Any]


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    @post("/api/objects", operation_class=FileOperation, request_max_body_size=None)
    async def put_up(request: Request[Any, Any, Any]) -> Json:
        """Takes a file of at most 50 MiB, as the raw body or in a form, for up to three requests within 15 minutes.

        Its `url` stands for it wherever a request has a picture, sound or file. Whoever is given that may use it.
        """
        length = request.headers.get("content-length", "")
        announced = int(length) if length.isdecimal() and len(length) < 19 else None
        pieces = file_in(request.headers.get("content-type", ""), request.stream())
        return (await deps.objects.take_in(pieces, OWNER, announced)).document()

    @delete("/api/objects/{object_id:str}", status_code=200)
    async def remove(object_id: FromPath[str]) -> Json:
        """Removes a file before its time; a request that is using it still gets it."""
        deps.objects.remove(object_id, OWNER)
        return {"id": object_id, "deleted": True}

    return [put_up, remove]
