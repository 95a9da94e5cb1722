"""Objects on the port of the API: large attachments go up once, under the rules of the API's keys."""

from __future__ import annotations

from contextlib import aclosing

from appliance.objects.form import file_in
from appliance.objects.store import ObjectStore
from appliance.objects.types import LARGEST, ObjectProblem, Party
from appliance.proxy.asgi import Receive, Scope, Send, client_address, json_bytes, request_id, respond, text_header
from appliance.proxy.deps import ProxyDeps
from appliance.proxy.errors import ApiError, draining
from appliance.proxy.intake import DISCARD_SECONDS, ClientGone, announced, check_method, discard, pieces_of

OBJECTS = "/api/objects"


async def serve_objects(deps: ProxyDeps, store: ObjectStore, scope: Scope, receive: Receive, send: Send) -> None:
    """`POST /api/objects`, `DELETE /api/objects/{id}`. Raises ApiError."""
    object_id = scope["path"].rstrip("/").removeprefix(OBJECTS).removeprefix("/")
    check_method(scope, "DELETE" if object_id else "POST")
    if deps.stopping.is_set():
        raise draining()
    try:
        party = deps.gate.identify(scope).party(client_address(scope))
        if object_id:
            store.remove(object_id, party)
            status, content = 200, {"id": object_id, "deleted": True}
        else:
            status, content = 201, await _taken_in(store, party, scope, receive)
    except (ApiError, ObjectProblem) as problem:
        if scope["method"] == "POST":
            await discard(receive, LARGEST, DISCARD_SECONDS)
        raise _as_error(problem) from problem
    except ClientGone:
        return
    await respond(send, status, json_bytes(content), [(b"x-request-id", request_id(scope))])


async def _taken_in(store: ObjectStore, party: Party, scope: Scope, receive: Receive) -> dict[str, object]:
    async with aclosing(file_in(text_header(scope, b"content-type"), pieces_of(receive))) as pieces:
        return (await store.take_in(pieces, party, announced(scope))).document()


def _as_error(problem: ApiError | ObjectProblem) -> ApiError:
    if isinstance(problem, ApiError):
        return problem
    return ApiError(problem.status, problem.code, problem.detail)
