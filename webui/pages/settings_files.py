"""Settings as files: an upload or a backup is first shown as what it would change, and taken over after a yes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from litestar import get, post
from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.response import Redirect
from litestar.types import ControllerRouterHandler
from pydantic import ValidationError

from appliance.api.problems import STATUS_OF_FILE
from appliance.api.settings import find_backup, take_over
from appliance.settings.exchange import FORMAT, MOST_BYTES, BadFile, Exported, read_file
from appliance.settings.schema import SCHEMA_VERSION
from appliance.settings.store import StaleRevision
from appliance.storage.errors import StorageFailed
from webui.live import LivePage
from webui.pages.context import AnyRequest, Context, Form, Page
from webui.pages.settings_page import Mishap, saved, settings_page
from webui.views.complaints import complaints
from webui.views.frame import NavEntry
from webui.views.settings_changes import change_rows, label_of
from webui.views.words import moment

NAV: NavEntry | None = None
ROOM_FOR_FORM = 64 << 10  # what a form needs around its file
MOST_ENCODED = 3 * MOST_BYTES + ROOM_FOR_FORM  # a file as a field of a form grows


def live_page(_context: Context) -> LivePage | None:
    return None


def handlers(context: Context) -> list[ControllerRouterHandler]:
    return [*_uploads(context), *_backups(context)]


def _uploads(context: Context) -> list[ControllerRouterHandler]:
    async def refused(request: AnyRequest, file: BadFile) -> Page:
        return await settings_page(context, request, Mishap(file=file.detail), STATUS_OF_FILE.get(file.code, 422))

    @post("/settings/import", status_code=200, request_max_body_size=MOST_BYTES + ROOM_FOR_FORM)
    async def look(request: AnyRequest) -> Page:
        """What an uploaded file would change."""
        try:
            file = read_file(await _uploaded(request))
            return await _preview(context, request, file, "/settings/import/confirm")
        except BadFile as bad:
            return await refused(request, bad)
        except ValidationError as error:
            return await refused(request, BadFile("invalid_fields", _listed(error)))

    @post("/settings/import/confirm", status_code=200, request_max_body_size=MOST_ENCODED)
    async def confirm(request: AnyRequest, data: Form) -> Page | Redirect:
        try:
            file = read_file(data.get("document", "").encode(errors="replace"))
            return await _taken(context, request, file, "/settings/import/confirm", data)
        except BadFile as bad:
            return await refused(request, bad)
        except ValidationError as error:
            return await refused(request, BadFile("invalid_fields", _listed(error)))

    return [look, confirm]


def _backups(context: Context) -> list[ControllerRouterHandler]:
    deps = context.deps

    @get("/settings/backups/{revision:int}")
    async def look(request: AnyRequest, revision: FromPath[int]) -> Page:
        """What an earlier document would bring back."""
        return await _preview(context, request, await find_backup(deps, revision), request.url.path)

    @post("/settings/backups/{revision:int}", status_code=200)
    async def restore(request: AnyRequest, revision: FromPath[int], data: Form) -> Page | Redirect:
        return await _taken(context, request, await find_backup(deps, revision), request.url.path, data)

    return [look, restore]


async def _taken(
    context: Context, request: AnyRequest, file: Exported, address: str, form: Mapping[str, str]
) -> Page | Redirect:
    given = form.get("from_revision", "")
    try:
        await take_over(context.deps, file.settings, int(given) if given.isdecimal() and len(given) < 16 else None)
    except StaleRevision:
        words = "The settings were changed meanwhile. This is what would change now."
        return await _preview(context, request, file, address, words, 409)
    except StorageFailed as failure:
        words = f"Nothing was changed: {failure.detail}. Free some space or mend the folder, then try again."
        return await _preview(context, request, file, address, words, 507)
    return saved("files")


async def _preview(
    context: Context, request: AnyRequest, file: Exported, address: str, trouble: str = "", status: int = 200
) -> Page:
    settings = context.deps.settings
    proposed = await take_over(context.deps, file.settings, None, dry_run=True)
    return context.page(
        request,
        "settings_preview.html",
        status=status,
        rows=change_rows(proposed.changes),
        kept=[label_of(tuple(name.split("."))) for name in proposed.kept],
        made=None if file.made_at is None else moment(file.made_at),
        node=file.node_name,
        address=address,
        document=json.dumps({"format": FORMAT, "version": SCHEMA_VERSION, "settings": file.settings}),
        revision=settings.current.revision,
        trouble=trouble,
    )


async def _uploaded(request: AnyRequest) -> bytes:
    try:
        file: Any = (await request.form()).get("file")
    except HTTPException as error:
        if error.status_code == 413:
            words = f"The file is larger than {MOST_BYTES >> 20} MiB. A file of settings never is."
            raise BadFile("too_large", words) from error
        raise BadFile("bad_request", "The upload did not arrive whole. Try it again.") from error
    if not isinstance(file, UploadFile) or not file.filename:
        raise BadFile("no_file", "Choose a file first.")
    return await file.read()


def _listed(error: ValidationError) -> str:
    found = list(complaints(error).items())[:5]
    return " ".join(f"{label_of(path)}: {words}" if path else words for path, words in found)
