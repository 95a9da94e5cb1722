"""What a person can set: one form a section, made from the schema. Only what he changed himself is taken from it."""

from __future__ import annotations

from typing import Annotated

from litestar import get, post
from litestar.exceptions import NotAuthorizedException, NotFoundException
from litestar.params import FromPath, QueryParameter
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError
from sse_starlette import EventSourceResponse

from appliance.api.login import PUBLIC, SESSION
from appliance.api.routes.events import event_stream, until_stopping
from appliance.run_loop import Outlook
from appliance.settings.difference import plain
from appliance.settings.fields import Section, sections
from appliance.settings.store import SettingsStore, StaleRevision
from appliance.storage.errors import StorageFailed
from webui.forms import Answer, Merge, answers, merged, with_buttons
from webui.live import Blocks, LivePage, frame_only, updates
from webui.pages.context import AnyRequest, Context, Form, Page
from webui.pages.settings_page import Mishap, saved, settings_page
from webui.render import Templates
from webui.views.complaints import complaints
from webui.views.frame import NavEntry
from webui.views.settings import trial

NAV: NavEntry | None = NavEntry("Settings", "/settings", "settings", "This box")
TRIES = 5  # at a change that collides with those of others


class Watcher:
    """The frame, and a word when the settings are no longer those that the page was made from."""

    def __init__(self, frame: LivePage, templates: Templates, revision: int) -> None:
        self._frame = frame
        self._templates = templates
        self._revision = revision

    def render(self, outlook: Outlook) -> Blocks:
        stale = outlook.snapshot.settings.revision > self._revision
        said = self._templates.block("settings.html", "changed_elsewhere", stale=stale)
        return {**self._frame.render(outlook), "changed_elsewhere": said}


def live_page(_context: Context) -> LivePage | None:
    """None: what is said depends on the revision that the page was made from, so it has a stream of its own."""
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:
    return [*_looking(context), _saving(context)]


def _looking(context: Context) -> list[ControllerRouterHandler]:
    deps = context.deps
    frame = frame_only(context.templates)

    @get("/settings")
    async def show(request: AnyRequest) -> Page:
        return await settings_page(context, request)

    @get("/settings/{section:str}", sync_to_thread=False)
    def show_section(section: FromPath[str]) -> Redirect:
        return Redirect(f"/settings#{_section(section).name}", status_code=303)

    @get(["/settings/password", "/settings/import", "/settings/import/confirm"], sync_to_thread=False)
    def show_again() -> Redirect:
        """A page that stands at the address of a form may be reloaded."""
        return Redirect("/settings", status_code=303)

    @get("/events/settings", opt={PUBLIC: True})  # its own guard: a stream is refused, not sent to the login page
    async def watch(request: AnyRequest, revision: Annotated[int, QueryParameter(ge=0)] = 0) -> EventSourceResponse:
        if not request.scope["state"].get(SESSION):
            raise NotAuthorizedException
        watcher = Watcher(frame, context.templates, revision)
        return event_stream(until_stopping(updates(deps.loop, watcher), deps.stopping))

    return [show, show_section, show_again, watch]


def _saving(context: Context) -> ControllerRouterHandler:
    deps = context.deps

    @post("/settings/{section:str}", status_code=200)
    async def save(request: AnyRequest, section: FromPath[str], data: Form) -> Page | Redirect:
        about = _section(section)
        form = with_buttons(about, data)
        changed = answers(about, form, deps.settings.locked)
        try:
            result = await _store(deps.settings, changed)
        except ValidationError as error:
            errors = complaints(error)
            return await settings_page(context, request, Mishap(trial(section, changed, form, errors=errors)), 422)
        except StorageFailed as failure:
            words = f"Nothing was saved: {failure.detail}. Free some space or mend the folder, then save again."
            return await settings_page(context, request, Mishap(trial(section, changed, form, trouble=words)), 507)
        if result.conflicts:
            mishap = Mishap(trial(section, changed, form, conflicts=result.conflicts))
            return await settings_page(context, request, mishap, 409)
        return saved(section)

    return save


async def _store(settings: SettingsStore, changed: tuple[Answer, ...]) -> Merge:
    """Stores what collides with nothing that others set; when something does, nothing is stored."""
    for _ in range(TRIES):
        current = settings.current
        result = merged(changed, plain(current))
        if result.conflicts or not result.patch:
            return result
        try:
            await settings.change(result.patch, current.revision)
        except StaleRevision:
            continue
        return result
    raise StaleRevision(current.revision, settings.current.revision)


def _section(name: str) -> Section:
    found = next((section for section in sections() if section.name == name), None)
    if found is None:
        raise NotFoundException
    return found
