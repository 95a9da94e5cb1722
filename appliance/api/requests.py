"""Bodies that the management routes take."""

from __future__ import annotations

from typing import Annotated, Any, Self

import msgspec
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from appliance.keys.types import Group
from appliance.settings.schema import ModelRef, Name


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


KeyModels = Annotated[
    list[ModelRef],
    Field(max_length=64, description="Models it may use, by name or with * for any letters; empty: every model"),
]
KeyEndpoints = Annotated[
    list[Group], Field(max_length=len(Group), description="Kinds of requests it may make; empty: every kind")
]
PerMinute = Annotated[
    Annotated[int, Field(ge=1, le=10_000)] | None,
    Field(description="Requests that may begin within a minute; null: no limit"),
]
PerDay = Annotated[
    Annotated[int, Field(ge=1, le=10**12)] | None,
    Field(description="Tokens, read and made, on one day by UTC; null: no limit"),
]
AtOnce = Annotated[
    Annotated[int, Field(ge=1, le=1000)] | None, Field(description="Requests answered at once; null: no limit")
]
Expiry = Annotated[AwareDatetime | None, Field(description="After which it opens nothing; null: never")]


class KeyBody(Body):
    name: Name = Field(description="What the key is for; no two keys have the same name")
    models: KeyModels = []
    endpoints: KeyEndpoints = []
    requests_per_minute: PerMinute = None
    tokens_per_day: PerDay = None
    concurrency: AtOnce = None
    expires_at: Expiry = None


class KeyPatch(Body):
    """What is named is changed, the rest stays."""

    name: Name = Field(default="", description="What the key is for; no two keys have the same name")
    models: KeyModels = []
    endpoints: KeyEndpoints = []
    requests_per_minute: PerMinute = None
    tokens_per_day: PerDay = None
    concurrency: AtOnce = None
    expires_at: Expiry = None
