"""Bodies that the management routes take."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from appliance.settings.schema import Name


class Body(BaseModel):
    model_config = ConfigDict(extra="forbid")


class SetupBody(Body):
    code: str = Field(max_length=200, description="The code from the log of the box")
    password: str = Field(description="The password that the box is managed with from now on")
    node_name: Name | None = Field(default=None, description="What this box shall be called")


class LoginBody(Body):
    password: str


class SettingsPatch(BaseModel):
    """Any part of the settings document; `revision` is that of the document the change was made from."""

    model_config = ConfigDict(extra="allow")

    revision: int | None = None
