"""The settings document: what the owner wants. One document, changed in the browser, stored as JSON."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StringConstraints, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

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
    Field(json_schema_extra={"x-rule": "Write a name such as box.example.org, or *.example.org for all below it."}),
]
Origin = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^https?://[^/\s]+$", max_length=300),
    Field(json_schema_extra={"x-rule": "Write an address such as https://chat.example.org, with nothing after it."}),
]


GpuId = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=128, pattern=r"^[^\x00-\x1f\x7f]+$")
]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_for_a_number(cls, given: Any, about: ValidationInfo) -> Any:  # noqa: ANN401 - whatever was sent
        """`true` would pass for 1."""
        kind = cls.model_fields[str(about.field_name)].annotation
        section = isinstance(kind, type) and issubclass(kind, Section)  # looks after its own fields
        entries = given.values() if isinstance(given, dict) else given if isinstance(given, list) else (given,)
        if kind is not bool and not section and any(isinstance(entry, bool) for entry in entries):
            raise PydanticCustomError("truth_value", "Input should not be true or false")
        return given


class NodeSettings(Section):
    name: Name = Field(
        default="meshbox", title="Name of this box", description="How this box is called on the page and in the mesh"
    )


KvType = Literal["f16", "q8_0", "q4_0"]


Speculation = Literal["off", "auto"]


class ModelSettings(Section):
    """What is different for one model; what is not set is as for all models."""

    context: int | None = Field(
        default=None, ge=0, le=1 << 24, title="Context length", description="Context length in tokens; 0: its own"
    )
    slots: int | None = Field(
        default=None, ge=1, le=64, title="Requests side by side", description="Requests answered side by side"
    )
    kv_type: KvType | None = Field(
        default=None, title="How the context is kept", description="How the context is kept in memory"
    )
    aliases: tuple[ModelRef, ...] = Field(
        default=(),
        title="Further names",
        description="Further names under which programs may ask for it",
        max_length=16,
    )
    sleep_after_min: int | None = Field(
        default=None,
        ge=0,
        le=10_080,
        title="Sleep after",
        description="Minutes without a request after which it sleeps; 0: never",
    )
    draft: ModelRef | None = Field(
        default=None,
        title="Drafting",
        description="auto: the best helper there is, while it pays; off: none; ngram: text that repeats; mtp: its own "
        "layers; else the name of the model that drafts",
    )
    gpus: tuple[GpuId, ...] = Field(
        default=(),
        title="GPUs",
        description="Ids of the GPUs it runs on, and on no others; empty: the box chooses",
        max_length=16,
    )


class ServingSettings(Section):
    models: tuple[ModelRef, ...] = Field(
        default=("mesh-tiny-dense",), title="Loaded models", description="Models this box keeps loaded", max_length=32
    )
    context: int = Field(
        default=0,
        ge=0,
        le=1 << 24,
        title="Context length",
        description="Context length in tokens; 0 takes the model's own, as far as memory allows",
    )
    slots: int = Field(
        default=4,
        ge=1,
        le=64,
        title="Requests side by side",
        description="Requests that one model answers side by side",
    )
    threads: int = Field(
        default=0,
        ge=0,
        le=1024,
        title="Processor threads",
        description="Processor threads for one model; 0 takes every usable core",
    )
    kv_type: KvType = Field(
        default="f16",
        title="How the context is kept",
        description="How the context is kept: q8_0 takes half the memory of f16, q4_0 a quarter",
    )
    sleep_after_min: int = Field(
        default=0,
        ge=0,
        le=10_080,
        title="Sleep after",
        description="Minutes without a request after which a model sleeps; 0: never",
    )
    on_demand: StrictBool = Field(
        default=True,
        title="Load on request",
        description="A request for a model that is only on the disk loads it; idle ones sleep if it needs their room",
    )
    speculation: Speculation = Field(
        default="auto",
        title="Drafting",
        description="auto: a small relative or a model's own layers draft and the model checks, where it is measured "
        "to be faster; answers stay the same",
    )
    prompt_cache_mib: int = Field(
        default=0,
        ge=0,
        le=1 << 20,
        title="Memory for earlier prompts",
        description="Most MiB in which a model keeps what it has read; 0: a tenth of the memory, 8 GiB at most",
    )
    per_model: dict[ModelRef, ModelSettings] = Field(
        default_factory=dict,
        title="Single models",
        description="What is different for single models, by their name",
        max_length=256,
    )

    @field_validator("per_model", mode="before")
    @classmethod
    def _leave_out_removed(cls, given: Any) -> Any:  # noqa: ANN401 - whatever was sent
        """In a change, null takes an entry away."""
        return {name: own for name, own in given.items() if own is not None} if isinstance(given, dict) else given


class HardwareSettings(Section):
    memory_caps: dict[GpuId, Annotated[int, Field(ge=0, le=1 << 24)]] = Field(
        default_factory=dict,
        title="GPU memory limits",
        description="Most MiB that may be in use on a GPU, by its id; 0: models leave it alone",
        max_length=64,
    )
    machine_memory_mib: int = Field(
        default=0,
        ge=0,
        le=1 << 24,
        title="Memory for models",
        description="Most MiB of the machine's own memory that models may take together; 0: what can be spared",
    )
    test_new_devices: StrictBool = Field(
        default=True,
        title="Test new devices",
        description="Ask every new GPU, and the processor, a question with a known answer once, while nobody waits",
    )

    @field_validator("memory_caps", mode="before")
    @classmethod
    def _leave_out_removed(cls, given: Any) -> Any:  # noqa: ANN401 - whatever was sent
        """In a change, null takes an entry away."""
        return {gpu: cap for gpu, cap in given.items() if cap is not None} if isinstance(given, dict) else given


class ModelsSettings(Section):
    download_mib_s: int = Field(
        default=0,
        ge=0,
        le=1 << 20,
        title="Download speed limit",
        description="Most MiB per second that all downloads together take; 0 is no limit",
    )
    downloads_at_once: int = Field(
        default=2,
        ge=1,
        le=8,
        title="Downloads side by side",
        description="Downloads that run side by side; further ones wait",
    )
    allow_private_urls: StrictBool = Field(
        default=False,
        title="Private and plain http addresses",
        description="Fetch model files from addresses of private networks and over plain http as well",
    )


class ApiSettings(Section):
    require_key: StrictBool = Field(
        default=False,
        title="Ask for an API key",
        description="Answer only programs that send a key of this box; the page “Keys” makes them",
    )
    max_body_mib: int = Field(
        default=64,
        ge=1,
        le=95,
        title="Largest request",
        description="Largest request body in MiB; engines take no more than 95",
    )
    objects_mib: int = Field(
        default=512,
        ge=0,
        le=1 << 16,
        title="Room for objects",
        description="Most MiB that files sent up for later requests may take on the disk together; 0: none are taken",
    )
    fetch_links: StrictBool = Field(
        default=False,
        title="Fetch pictures from web addresses",
        description="Let models fetch pictures from addresses in a request, also from this network and this machine",
    )
    silent_after_s: int = Field(
        default=30,
        ge=1,
        le=3600,
        title="Restart a silent engine after",
        description="An engine that has work and shows no progress for so many seconds is restarted",
    )
    wait_for_model_s: int = Field(
        default=60,
        ge=0,
        le=600,
        title="Wait for a model that wakes up",
        description="How long a request waits for a model that wakes up before the program is told to come again",
    )
    queue_length: int = Field(
        default=256,
        ge=0,
        le=10_000,
        title="Longest line",
        description="Most requests that wait for one model; further ones are told when to come again",
    )
    queue_wait_s: int = Field(
        default=300,
        ge=1,
        le=3600,
        title="Longest wait in line",
        description="How long a request waits for its turn before the program is told to come again",
    )
    drain_s: int = Field(
        default=20,
        ge=0,
        le=600,
        title="Time to end running answers",
        description="How long running answers may go on when the box stops",
    )
    ollama_port: int = Field(
        default=0,
        ge=0,
        le=65_535,
        title="Port for Ollama's programs",
        description="Port on which programs made for Ollama find this box; they look for 11434 by themselves; "
        "0: closed",
    )
    allowed_origins: tuple[Origin, ...] = Field(
        default=(),
        title="Web pages that may call the API",
        description="Web pages of other hosts that may call the API from a browser",
        max_length=64,
    )


class WebSettings(Section):
    allowed_hosts: tuple[HostPattern, ...] = Field(
        default=(),
        title="Further names of this box",
        description="Further names under which this box may be opened in a browser",
        max_length=64,
    )
    public_metrics: StrictBool = Field(
        default=True, title="Metrics without a login", description="Let /metrics be read without a login"
    )
    session_days: int = Field(
        default=30, ge=1, le=365, title="A login lasts", description="How long a login lasts without use"
    )


class ActivitySettings(Section):
    keep_days: int = Field(
        default=14, ge=1, le=90, title="Keep activity", description="How many days of activity are kept and shown"
    )


SetupStep = Literal["box", "hardware", "model", "done"]


class Settings(Section):
    """Everything a person can set. `revision` grows with each change and guards against overwriting."""

    version: int = Field(default=SCHEMA_VERSION, ge=1, le=SCHEMA_VERSION)
    revision: int = Field(default=0, ge=0)
    setup: SetupStep = Field(default="done", description="How far the first set-up in the browser is")
    node: NodeSettings = Field(default=NodeSettings(), title="This box")
    serving: ServingSettings = Field(default=ServingSettings(), title="Serving")
    hardware: HardwareSettings = Field(default=HardwareSettings(), title="Hardware")
    models: ModelsSettings = Field(default=ModelsSettings(), title="Model files")
    api: ApiSettings = Field(default=ApiSettings(), title="API")
    web: WebSettings = Field(default=WebSettings(), title="Web page")
    activity: ActivitySettings = Field(default=ActivitySettings(), title="Activity")
