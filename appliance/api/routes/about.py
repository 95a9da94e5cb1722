"""What the box is made of, and a bundle for those who help."""

from __future__ import annotations

import asyncio
from typing import Any

from litestar import Response, get
from litestar.types import ControllerRouterHandler

from appliance.api.about import about_document, look
from appliance.api.deps import ApiDeps
from appliance.api.support import gather, pack

Json = dict[str, Any]


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    @get("/api/about")
    async def about() -> Json:
        """Versions, folders and licences."""
        return about_document(await asyncio.to_thread(look, deps.premises))

    @get("/api/support-bundle", media_type="application/zip")
    async def support_bundle() -> Response[bytes]:
        """A zip with status, issues, settings, versions and log; secrets are taken out."""
        packed = await asyncio.to_thread(pack, gather(deps))
        headers = {"Content-Disposition": 'attachment; filename="meshbox-support.zip"'}
        return Response(packed, media_type="application/zip", headers=headers)

    return [about, support_bundle]
