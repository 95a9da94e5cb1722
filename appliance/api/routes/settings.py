"""The settings document."""

from __future__ import annotations

from typing import Any

from litestar import get, patch
from litestar.params import JSONBody
from litestar.types import ControllerRouterHandler

from appliance.api.deps import ApiDeps
from appliance.api.requests import SettingsPatch


def handlers(deps: ApiDeps) -> list[ControllerRouterHandler]:
    def document() -> dict[str, Any]:
        return deps.settings.current.model_dump(mode="json") | {"locked": sorted(deps.settings.locked)}

    @get("/api/settings", sync_to_thread=False)
    def read() -> dict[str, Any]:
        """The settings in force; `locked` names the fields that the environment fixes."""
        return document()

    @patch("/api/settings")
    async def change(data: JSONBody[SettingsPatch]) -> dict[str, Any]:
        """Changes what is named and leaves the rest; a stale `revision` is refused."""
        wanted = dict(data.model_extra or {})
        wanted.pop("locked", None)  # a document that was read may be sent back as it is
        await deps.settings.change(wanted, data.revision)
        return document()

    return [read, change]
