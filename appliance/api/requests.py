"""Bodies that the management routes take."""

from __future__ import annotations

from typing import Any, Self

import msgspec
from pydantic import BaseModel, ConfigDict, Field

from appliance.settings.schema import Name


class Strict(BaseModel):
    """By the rules of JSON: 0 is not false, and "5" is no number. The framework's own way would take both."""

    @classmethod
    def model_validate(cls, obj: Any, **_: Any) -> Self:  # noqa: ANN401 - whatever was sent
        return cls.model_validate_json(msgspec.json.encode(obj), strict=True)


class Body(Strict):
    model_config = ConfigDict(extra="forbid")


class SetupBody(Body):
    code: str = Field(max_length=200, description="The code from the log of the box")
    password: str = Field(description="The password that the box is managed with from now on")
    node_name: Name | None = Field(default=None, description="What this box shall be called")


class LoginBody(Body):
    password: str = Field(description="The password of the box")


class PasswordBody(Body):
    current: str = Field(description="The password of the box as it is")
    new: str = Field(description="The password that the box is managed with from now on")


class SettingsPatch(Strict):
    """Any part of the settings document; `revision` is that of the document the change was made from."""

    model_config = ConfigDict(extra="allow")

    revision: int | None = None
