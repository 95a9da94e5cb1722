"""API keys: who may use the API, for what, and how much."""

from __future__ import annotations

from typing import Any

from litestar import Response, delete, get, patch, post
from litestar.params import FromPath, JSONBody
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.api.encode import Answer
from appliance.api.keys import change_key, create_key, find_key, key_document, revoke_key
from appliance.api.requests import KeyBody, KeyPatch

Json = dict[str, Any]


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    keys = deps.keys

    @get("/api/keys", sync_to_thread=False)
    def listed() -> Json:
        """Every key and what was used with it, the latest made first; `required` says whether programs need one."""
        documents = [key_document(standing) for standing in keys.listed()]
        return {"keys": documents, "required": deps.settings.current.api.require_key}

    @get("/api/keys/{key_id:str}", sync_to_thread=False)
    def one(key_id: FromPath[str]) -> Json:
        """One key and what was used with it."""
        return key_document(keys.standing(find_key(keys, key_id)))

    @post("/api/keys")
    async def create(data: JSONBody[KeyBody]) -> Response[Json]:
        """Makes a key. `secret` is what programs send; it is shown here and never again."""
        key, secret = await create_key(deps, data)
        document = key_document(keys.standing(key)) | {"secret": secret}
        return Answer(document, headers={"Cache-Control": "no-store"})

    @patch("/api/keys/{key_id:str}")
    async def change(key_id: FromPath[str], data: JSONBody[KeyPatch]) -> Json:
        """Changes what is named and leaves the rest; it counts from the next request on."""
        return key_document(keys.standing(await change_key(deps, key_id, data)))

    @delete("/api/keys/{key_id:str}")
    async def revoke(key_id: FromPath[str]) -> None:
        """Revokes a key: it opens nothing from now on, and what was used with it is forgotten."""
        await revoke_key(deps, key_id)

    return [listed, one, create, change, revoke]
