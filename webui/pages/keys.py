"""API keys: who may use the API, for what, and how much; made, changed and revoked here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError

from appliance.api import keys as acts
from appliance.api.problems import Problem
from appliance.api.requests import KeyBody, KeyPatch
from appliance.keys.types import Grant
from appliance.run_loop import Outlook
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Form, Page, done
from webui.views.connect import address, curl_command, example_model
from webui.views.frame import NavEntry
from webui.views.key_form import WRONG, KeyForm, body_of, form_again, form_of
from webui.views.keys import Door, Made, key_rows

NAV: NavEntry | None = NavEntry("Keys", "/keys", "key", "Use")
BLOCKS = ("keys_door", "keys_list")

Errors = Mapping[str, str]
NO_ERRORS: Errors = {}
NEW = Grant("")


def live_page(context: Context) -> LivePage | None:
    return LivePage(context.templates, "keys.html", BLOCKS, lambda outlook: _view(context, outlook))


def handlers(context: Context) -> list[ControllerRouterHandler]:  # noqa: C901 - a list of handlers
    deps = context.deps

    @get("/keys", sync_to_thread=False)
    def show(request: AnyRequest) -> Page:
        return _page(context, request)

    @post("/keys", status_code=200)
    async def create(request: AnyRequest, data: Form) -> Page:
        try:
            key, secret = await acts.create_key(deps, KeyBody.model_validate(body_of(data)))
        except (ValidationError, Problem) as error:
            return _page(context, request, form=form_again(data), errors=errors_of(error), status=422)
        return _page(context, request, made=_made(context, request, key.name, secret))

    @post("/keys/door", status_code=200)
    async def door(data: Form) -> Redirect:
        required = data.get("required") == "yes"
        await acts.require_keys(deps, required=required)
        return done("/keys", "keys_required" if required else "keys_not_required")

    @get("/keys/{key_id:str}", sync_to_thread=False)
    def edit(request: AnyRequest, key_id: FromPath[str]) -> Page:
        return _edit_page(context, request, key_id, form_of(acts.find_key(deps.keys, key_id).grant))

    @post("/keys/{key_id:str}", status_code=200)
    async def change(request: AnyRequest, key_id: FromPath[str], data: Form) -> Page | Redirect:
        expires_at = acts.find_key(deps.keys, key_id).grant.expires_at
        try:
            await acts.change_key(deps, key_id, KeyPatch.model_validate(body_of(data, expires_at)))
        except (ValidationError, Problem) as error:
            return _edit_page(context, request, key_id, form_again(data), errors_of(error), 422)
        return done("/keys", "saved")

    @post("/keys/{key_id:str}/revoke", status_code=200)
    async def revoke(key_id: FromPath[str]) -> Redirect:
        await acts.revoke_key(deps, key_id)
        return done("/keys", "key_revoked")

    return [show, create, door, edit, change, revoke]


def _view(context: Context, outlook: Outlook) -> dict[str, Any]:
    rows = key_rows(context.deps.keys.listed(), outlook.decision.routes)
    return {"door": Door(outlook.snapshot.settings.api.require_key, len(rows)), "keys": rows}


def _page(
    context: Context,
    request: AnyRequest,
    *,
    form: KeyForm | None = None,
    errors: Errors = NO_ERRORS,
    made: Made | None = None,
    status: int = 200,
) -> Page:
    outlook = context.deps.loop.outlook
    return context.page(
        request,
        "keys.html",
        status=status,
        live="keys",
        form=form or form_of(NEW),
        errors=errors,
        made=made,
        known_models=_known(outlook),
        **_view(context, outlook),
    )


def _edit_page(
    context: Context, request: AnyRequest, key_id: str, form: KeyForm, errors: Errors = NO_ERRORS, status: int = 200
) -> Page:
    key, outlook = acts.find_key(context.deps.keys, key_id), context.deps.loop.outlook
    return context.page(
        request, "keys/edit.html", status=status, key=key, form=form, errors=errors, known_models=_known(outlook)
    )


def errors_of(error: ValidationError | Problem) -> Errors:
    """What is wrong with which field, in words for people."""
    if isinstance(error, Problem):
        fields: Mapping[str, str] = error.more.get("fields", {})  # type: ignore[assignment]
        return {name: WRONG[name] if name == "expires_at" else words for name, words in fields.items()} or {
            "form": error.detail
        }
    names = {str(one["loc"][0]) for one in error.errors(include_url=False) if one["loc"]}
    return {name: WRONG.get(name, "This cannot be taken.") for name in names}


def _made(context: Context, request: AnyRequest, name: str, secret: str) -> Made:
    outlook = context.deps.loop.outlook
    reach = address(request.headers.get("host", ""), outlook.snapshot.node.api_port)
    return Made(name, secret, curl_command(reach.v1, example_model(outlook), secret))


def _known(outlook: Outlook) -> tuple[str, ...]:
    """Names of models to choose from."""
    return tuple(sorted(outlook.decision.routes.routes))[:100]
