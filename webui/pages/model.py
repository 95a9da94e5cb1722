"""One model: what it is, how it would run, its own settings."""

from __future__ import annotations

from typing import Any

from litestar import get, post
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError

from appliance.api.deps import ApiDeps
from appliance.api.drafting import measure_again
from appliance.api.problems import Problem
from appliance.api.serving import find_entry
from appliance.models.types import Model
from appliance.settings.schema import ModelSettings
from appliance.settings.store import StaleRevision
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Form, Page, done
from webui.pages.models import books_of
from webui.views.drafting import drafting_card
from webui.views.fit import plan_cards
from webui.views.frame import NavEntry
from webui.views.gpu_pins import pin_choices, pinned
from webui.views.models import library_row
from webui.views.own_settings import own_fields, own_patch
from webui.views.serving import model_card
from webui.views.traits import traits

NAV: NavEntry | None = None
_WRONG = {
    "context": "This must be a whole number from 0 to 16777216, or empty.",
    "slots": "This must be a whole number from 1 to 64, or empty.",
    "sleep_after_min": "This must be a whole number of minutes from 0 to 10080, or empty.",
    "kv_type": "Choose one of the list.",
    "aliases": "At most 16 names, each of 1 to 512 characters.",
    "gpus": "At most 16 GPUs.",
}


def live_page(_context: Context) -> LivePage | None:
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:
    deps = context.deps

    def page(
        request: AnyRequest, model: Model, typed: dict[str, str] | None, errors: dict[str, str], status: int
    ) -> Page:
        outlook, settings = deps.loop.outlook, deps.settings.current
        entry = next((e for e in outlook.decision.serving if e.model == model.id), None)
        own = settings.serving.per_model.get(model.id, ModelSettings())
        values: dict[str, Any] = {
            "model": library_row(model, outlook, books_of(context), served=entry is not None),
            "state": model_card(entry) if entry else None,
            "traits": traits(model),
            "plans": plan_cards(model, outlook.snapshot),
            "drafting": drafting_card(model, outlook.snapshot, entry),
            "fields": own_fields(own, settings.serving, typed),
            "pins": pin_choices(own, outlook.snapshot, typed),
            "revision": settings.revision,
            "errors": errors,
        }
        return context.page(request, "models/one.html", status=status, **values)

    def known(model_id: str) -> Model:
        library = deps.loop.outlook.snapshot.library
        if library is None or (model := library.find(model_id)) is None:
            raise Problem(404, "unknown_model", "There is no such model on this box any more.")
        return model

    @get("/models/{model_id:str}", sync_to_thread=False)
    def show(request: AnyRequest, model_id: FromPath[str]) -> Page:
        return page(request, known(model_id), None, {}, 200)

    @post("/models/{model_id:str}/own", status_code=200)
    async def save(request: AnyRequest, model_id: FromPath[str], data: Form) -> Page | Redirect:
        model, typed = known(model_id), {key: str(value) for key, value in data.items()}
        revision = int(typed["revision"]) if typed.get("revision", "").isdecimal() else None
        own = own_patch(typed) | {"gpus": pinned(typed)}
        patch = {"serving": {"per_model": {model.id: own}}}
        typed.pop("revision", None)
        try:
            await deps.settings.change(patch, revision)
        except ValidationError as error:
            fields = {str(e["loc"][3]) for e in error.errors(include_url=False) if len(e["loc"]) > 3}
            return page(request, model, typed, {name: _WRONG.get(name, "This cannot be.") for name in fields}, 422)
        except StaleRevision:
            words = "The settings were changed elsewhere meanwhile. Look at them and save again."
            return page(request, model, typed, {"form": words}, 409)
        return done(f"/models/{model.id}", "saved")

    return [show, save, _measure(deps)]


def _measure(deps: ApiDeps) -> ControllerRouterHandler:
    @post("/models/{model_id:str}/measure", status_code=200, sync_to_thread=False)
    def measure(model_id: FromPath[str]) -> Redirect:
        model = measure_again(deps.loop, find_entry(deps, model_id))
        return done(f"/models/{model}", "measuring_drafting")

    return measure
