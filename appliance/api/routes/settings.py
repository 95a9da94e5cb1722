"""The settings document: read, changed, carried from box to box, and brought back."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated, Any

from litestar import MediaType, Request, Response, get, patch, post
from litestar.openapi.spec import OpenAPIMediaType, OpenAPIType, Operation, Reference, RequestBody, Schema
from litestar.params import FromPath, JSONBody, QueryParameter
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.api.requests import SettingsPatch
from appliance.api.settings import backup_document, backups, find_backup, proposal_document, take_over
from appliance.settings.exchange import FORMAT, exported, read_file
from appliance.settings.schema import SCHEMA_VERSION, Settings

Json = dict[str, Any]
DryRun = Annotated[bool, QueryParameter()]
FromRevision = Annotated[int | None, QueryParameter(ge=0, le=1 << 53)]


@dataclass
class ImportOperation(Operation):
    """Takes a file as GET /api/settings/export gives it."""

    def __post_init__(self) -> None:
        file = Schema(
            type=OpenAPIType.OBJECT,
            required=["format", "version", "settings"],
            properties={
                "format": Schema(type=OpenAPIType.STRING, const=FORMAT, description="What the file is"),
                "version": Schema(
                    type=OpenAPIType.INTEGER, minimum=1, maximum=SCHEMA_VERSION, description="Of the settings in it"
                ),
                "made_at": Schema(type=OpenAPIType.STRING, description="When it was made"),
                "node_name": Schema(type=OpenAPIType.STRING, description="The box that it was made on"),
                "settings": Reference("#/components/schemas/SettingsPatch"),
            },
        )
        self.request_body = RequestBody({"application/json": OpenAPIMediaType(schema=file)}, required=True)


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    return [*_document(deps), *_files(deps)]


def _document(deps: ApiDeps) -> list[ControllerRouterHandler]:
    settings = deps.settings

    def document() -> Json:
        return settings.current.model_dump(mode="json") | {"locked": sorted(settings.locked)}

    @get("/api/settings", sync_to_thread=False)
    def read() -> Json:
        """The settings in force; `locked` names the fields that the environment fixes."""
        return document()

    @patch("/api/settings")
    async def change(data: JSONBody[SettingsPatch]) -> Json:
        """Changes what is named and leaves the rest; a stale `revision` is refused."""
        wanted = dict(data.model_extra or {})
        wanted.pop("locked", None)  # a document that was read may be sent back as it is
        await settings.change(wanted, data.revision)
        return document()

    @get("/api/settings/schema", sync_to_thread=False)
    def schema() -> Json:
        """The JSON schema of the settings; `locked` names the fields that the environment fixes."""
        return Settings.model_json_schema() | {"locked": sorted(settings.locked)}

    return [read, change, schema]


def _files(deps: ApiDeps) -> list[ControllerRouterHandler]:
    settings = deps.settings

    @get("/api/settings/export", sync_to_thread=False)
    def export() -> Response[str]:
        """The settings as a file for a backup or another box; there are no secrets in it."""
        text = json.dumps(exported(settings.current, deps.clock()), indent=2, ensure_ascii=False) + "\n"
        disposition = {"Content-Disposition": 'attachment; filename="meshbox-settings.json"'}
        return Response(text, media_type=MediaType.JSON, headers=disposition)

    @post("/api/settings/import", status_code=200, operation_class=ImportOperation)
    async def take(
        request: Request[Any, Any, Any], *, dry_run: DryRun = False, from_revision: FromRevision = None
    ) -> Json:
        """Takes the settings of a file over, all or none; a dry run only tells what would change.

        What the file does not name stays, and so do the fields that the environment fixes. With `from_revision`
        the import is refused when the settings were changed since that revision.
        """
        file = read_file(await request.body())
        proposed = await take_over(deps, file.settings, from_revision, dry_run=dry_run)
        return proposal_document(proposed, settings.current.revision, dry_run=dry_run)

    @get("/api/settings/backups")
    async def kept() -> Json:
        """The last documents, the newest first, each with what it changed."""
        return {"backups": [backup_document(backup, settings.stored) for backup in await backups(deps)]}

    @post("/api/settings/backups/{revision:int}/restore", status_code=200)
    async def restore(revision: FromPath[int], *, dry_run: DryRun = False, from_revision: FromRevision = None) -> Json:
        """Brings an earlier document back, as a new revision; a dry run only tells what would change."""
        file = await find_backup(deps, revision)
        proposed = await take_over(deps, file.settings, from_revision, dry_run=dry_run)
        return proposal_document(proposed, settings.current.revision, dry_run=dry_run)

    return [export, take, kept, restore]
