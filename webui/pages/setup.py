"""The first set-up, step by step. Each step is stored, so that one may go away and come back: claim, box, hardware,
model, done. The steps with live parts have files of their own."""

from __future__ import annotations

from litestar import get, post
from litestar.params import FromQuery
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError

from appliance.api.access import Refused
from appliance.api.login import PUBLIC, SESSION
from appliance.api.problems import STATUS_OF_REFUSAL
from appliance.api.requests import SetupBody
from appliance.api.routes.account import claim
from appliance.settings.schema import SetupStep
from appliance.storage.errors import StorageFailed
from webui.live import LivePage
from webui.pages.context import STRANGERS_BYTES, AnyRequest, Context, Form, Page, enter
from webui.views.connect import connection, example_model
from webui.views.frame import NavEntry
from webui.views.setup import steps

NAV: NavEntry | None = None
_FIELD_OF = {"wrong_code": "code", "password_too_short": "password", "password_too_long": "password"}


def live_page(_context: Context) -> LivePage | None:
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:  # noqa: C901 - a list of handlers
    deps = context.deps

    def claim_page(request: AnyRequest, values: dict[str, str], errors: dict[str, str], status: int) -> Page:
        return context.page(
            request, "setup/claim.html", status=status, code=values.get("code", ""), errors=errors, steps=steps("claim")
        )

    def box_page(request: AnyRequest, name: str, errors: dict[str, str], status: int) -> Page:
        locked = "node.name" in deps.settings.locked
        return context.page(
            request, "setup/box.html", status=status, name=name, locked=locked, errors=errors, steps=steps("box")
        )

    @get("/setup", opt={PUBLIC: True}, sync_to_thread=False)
    def show_claim(request: AnyRequest, code: FromQuery[str] = "") -> Page | Redirect:
        if not deps.access.claimed:
            return claim_page(request, {"code": code[:40]}, {}, 200)
        step = deps.settings.current.setup
        unfinished = request.scope["state"].get(SESSION) and step != "done"
        return Redirect(f"/setup/{step}" if unfinished else "/", status_code=303)

    @post("/setup", opt={PUBLIC: True}, status_code=200, request_max_body_size=STRANGERS_BYTES)
    async def do_claim(request: AnyRequest, data: Form) -> Page | Redirect:
        values = {key: str(data.get(key, "")) for key in ("code", "password", "repeat")}
        if values["password"] != values["repeat"]:
            return claim_page(request, values, {"repeat": "This is not the same password."}, 422)
        try:
            wanted = SetupBody(code=values["code"], password=values["password"])
            token = await claim(deps, wanted.code, wanted.password, None, request)
            await reach(context, "box")
        except ValidationError as error:
            fields = {str(e["loc"][0]): e["msg"] for e in error.errors(include_url=False)}
            return claim_page(request, values, fields, 422)
        except Refused as refused:
            where = _FIELD_OF.get(refused.code, "form")
            return claim_page(request, values, {where: refused.detail}, STATUS_OF_REFUSAL[refused.code])
        except StorageFailed as failure:
            return claim_page(request, values, {"form": failure.detail}, 507)
        return enter(deps, token, "/setup/box")

    @get("/setup/box", sync_to_thread=False)
    def show_box(request: AnyRequest) -> Page:
        return box_page(request, deps.settings.current.node.name, {}, 200)

    @post("/setup/box", status_code=200)
    async def do_box(request: AnyRequest, data: Form) -> Page | Redirect:
        name = str(data.get("node_name", ""))
        patch: dict[str, object] = {} if "node.name" in deps.settings.locked else {"node": {"name": name}}
        try:
            await deps.settings.change(patch | {"setup": "hardware"}, revision=None)
        except ValidationError:
            return box_page(request, name, {"node_name": "A name of 1 to 64 characters, without line breaks."}, 422)
        except StorageFailed as failure:
            return box_page(request, name, {"form": failure.detail}, 507)
        return Redirect("/setup/hardware", status_code=303)

    @get("/setup/done", sync_to_thread=False)
    def show_done(request: AnyRequest) -> Page:
        outlook = deps.loop.outlook
        reach_by = connection(
            request.headers.get("host", "localhost"),
            outlook.snapshot.node.api_port,
            example_model(outlook),
            needs_key=outlook.snapshot.settings.api.require_key,
        )
        return context.page(request, "setup/done.html", steps=steps("done"), connection=reach_by)

    return [show_claim, do_claim, show_box, do_box, show_done]


async def reach(context: Context, step: SetupStep) -> None:
    """Remembers how far the set-up is."""
    await context.deps.settings.change({"setup": step}, revision=None)
