"""What the box has and does."""

from __future__ import annotations

from typing import Any

from litestar import get
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.api.status import status_document

Json = dict[str, Any]


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    loop = deps.loop

    @get("/api/status", sync_to_thread=False)
    def status() -> Json:
        """Everything there is to know about this box."""
        return status_document(loop.outlook, deps.clock())

    return [status]
