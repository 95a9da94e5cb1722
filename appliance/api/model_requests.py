"""Bodies that the routes of models take."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

from appliance.api.requests import Body


class FetchBody(Body):
    ref: str = Field(max_length=4096, description="A catalogue name, org/repo:Q4_K_M, org/repo/file.gguf or an address")


class TokenBody(Body):
    token: str = Field(max_length=1024, description="A token of your account on the hub")


class CleanupBody(Body):
    unused_since: AwareDatetime = Field(description="Models last used before this time are removed")
    confirm: bool = Field(default=False, description="Without it nothing is removed, only listed")
