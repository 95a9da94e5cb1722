"""The settings document: what the owner wants. One document, changed in the browser, stored as JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, field_validator

SCHEMA_VERSION = 1

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64, pattern=r"^[^\x00-\x1f\x7f]+$")
]
ModelRef = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=512, pattern=r"^[^\x00-\x1f\x7f]+$")
]
HostPattern = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, pattern=r"^(\*\.)?[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?$", max_length=253
    ),
]
Origin = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^https?://[^/\s]+$", max_length=300)
]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class NodeSettings(Section):
    name: Name = Field(default="meshbox", description="How this box is called on the page and in the mesh")


KvType = Literal["f16", "q8_0", "q4_0"]


class ModelSettings(Section):
    """What is different for one model; what is not set is as for all models."""

    context: int | None = Field(default=None, ge=0, le=1 << 24, description="Context length in tokens; 0: its own")
    slots: int | None = Field(default=None, ge=1, le=64, description="Requests answered side by side")
    kv_type: KvType | None = Field(default=None, description="How the context is kept in memory")
    aliases: tuple[ModelRef, ...] = Field(
        default=(), description="Further names under which programs may ask for it", max_length=16
    )
    sleep_after_min: int | None = Field(
        default=None, ge=0, le=10_080, description="Minutes without a request after which it sleeps; 0: never"
    )


class ServingSettings(Section):
    models: tuple[ModelRef, ...] = Field(
        default=("mesh-tiny-dense",), description="Models this box keeps loaded", max_length=32
    )
    context: int = Field(
        default=0,
        ge=0,
        le=1 << 24,
        description="Context length in tokens; 0 takes the model's own, as far as memory allows",
    )
    slots: int = Field(default=4, ge=1, le=64, description="Requests that one model answers side by side")
    threads: int = Field(
        default=0, ge=0, le=1024, description="Processor threads for one model; 0 takes every usable core"
    )
    kv_type: KvType = Field(
        default="f16", description="How the context is kept: q8_0 takes half the memory of f16, q4_0 a quarter"
    )
    sleep_after_min: int = Field(
        default=0, ge=0, le=10_080, description="Minutes without a request after which a model sleeps; 0: never"
    )
    per_model: dict[ModelRef, ModelSettings] = Field(
        default_factory=dict, description="What is different for single models, by their name", max_length=256
    )

    @field_validator("per_model", mode="before")
    @classmethod
    def _leave_out_removed(cls, given: Any) -> Any:  # noqa: ANN401 - whatever was sent
        """In a change, null takes an entry away."""
        return {name: own for name, own in given.items() if own is not None} if isinstance(given, dict) else given


class ApiSettings(Section):
    max_body_mib: int = Field(
        default=64, ge=1, le=95, description="Largest request body in MiB; engines take no more than 95"
    )
    silent_after_s: int = Field(
        default=30,
        ge=1,
        le=3600,
        description="An engine that has work and shows no progress for so many seconds is restarted",
    )
    wait_for_model_s: int = Field(
        default=60,
        ge=0,
        le=600,
        description="How long a request waits for a model that wakes up before the program is told to come again",
    )
    drain_s: int = Field(default=20, ge=0, le=600, description="How long running answers may go on when the box stops")
    allowed_origins: tuple[Origin, ...] = Field(
        default=(), description="Web pages of other hosts that may call the API from a browser", max_length=64
    )


class WebSettings(Section):
    allowed_hosts: tuple[HostPattern, ...] = Field(
        default=(), description="Further names under which this box may be opened in a browser", max_length=64
    )
    public_metrics: bool = Field(default=True, description="Let /metrics be read without a login")
    session_days: int = Field(default=30, ge=1, le=365, description="How long a login lasts without use")


class Settings(Section):
    """Everything a person can set. `revision` grows with each change and guards against overwriting."""

    version: int = Field(default=SCHEMA_VERSION, ge=1, le=SCHEMA_VERSION)
    revision: int = Field(default=0, ge=0)
    node: NodeSettings = NodeSettings()
    serving: ServingSettings = ServingSettings()
    api: ApiSettings = ApiSettings()
    web: WebSettings = WebSettings()
