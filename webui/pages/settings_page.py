"""The settings page as a whole: every section, the password, who is logged in, the backups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from litestar.response import Redirect

from appliance.api.routes.sessions import own_token
from appliance.api.settings import backups
from appliance.settings.difference import plain
from appliance.settings.fields import sections
from appliance.storage.passwords import MIN_LENGTH
from appliance.storage.sessions import session_id
from webui.pages.context import AnyRequest, Context, Page
from webui.views.sessions import session_rows
from webui.views.settings import Trial, settings_view
from webui.views.settings_changes import backup_rows

SAID = {
    "password": "The password is changed. Every other login has ended.",
    "sessions": "Logged out there.",
    "files": "The settings were taken over.",
}


@dataclass(frozen=True, slots=True)
class Mishap:
    """What could not be done on the page, to be said where it was tried."""

    fields: Trial = field(default_factory=Trial)
    password: Mapping[str, str] = field(default_factory=dict)
    file: str = ""


async def settings_page(context: Context, request: AnyRequest, mishap: Mishap | None = None, status: int = 200) -> Page:
    deps, wrong = context.deps, mishap or Mishap()
    settings = deps.settings.current
    return context.page(
        request,
        "settings.html",
        status=status,
        sections=settings_view(plain(settings), deps.settings.locked, wrong.fields),
        revision=settings.revision,
        stale=False,
        saved=saved_sentence(request.query_params.get("saved", "")),
        errors=wrong.password,
        file_error=wrong.file,
        shortest=MIN_LENGTH,
        sessions=session_rows(await deps.access.sessions(), session_id(own_token(deps, request))),
        backups=backup_rows(await backups(deps), deps.settings.stored),
    )


def saved(place: str) -> Redirect:
    """Back to the part of the page where something was saved, with a word about it there."""
    return Redirect(f"/settings?saved={place}#{place}", status_code=303)


def saved_sentence(place: str) -> dict[str, str]:
    """By the part of the page."""
    if place in SAID:
        return {place: SAID[place]}
    return {place: "Saved."} if place in {section.name for section in sections()} else {}
