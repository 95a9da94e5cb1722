"""What is: the whole state of the box as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from appliance.hardware.engine_devices import EngineDevices
from appliance.hardware.trials import Trials
from appliance.hardware.types import Inventory
from appliance.mesh.types import Link, Peer
from appliance.models.types import Ability, Library
from appliance.node.attention import Attention
from appliance.node.failure import Failure
from appliance.node.jobs import Job
from appliance.routing.table import Endpoint
from appliance.settings.schema import Settings


class NodeState(StrEnum):
    STARTING = "starting"
    STANDBY = "standby"
    LOADING = "loading"
    SERVING = "serving"
    DRAINING = "draining"
    CLIENT = "client"


class ChildState(StrEnum):
    """Where one engine process stands."""

    STOPPED = "stopped"
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"
    FAILED = "failed"


class Phase(StrEnum):
    """What a starting child is at."""

    LOADING = "loading"
    PROBING = "probing"


class TroubleKind(StrEnum):
    """Facts that an adapter reports because the box cannot see them from its state."""

    API_PORT_TAKEN = "api_port_taken"
    DATA_NOT_WRITABLE = "data_not_writable"
    DISK_FULL = "disk_full"
    ENGINE_MISSING = "engine_missing"
    SETTINGS_BROKEN = "settings_broken"
    MODELS_UNREADABLE = "models_unreadable"


@dataclass(frozen=True, slots=True)
class EngineSpec:
    """What one engine process is to run. Two equal specs mean the same process."""

    model: str
    path: str
    abilities: frozenset[Ability]
    context: int = 0
    slots: int = 4
    kv_type: str = "f16"
    projector: str = ""  # path of the file that gives it eyes or ears
    draft: str = ""  # path of the model that drafts for it
    cache_mib: int = -1  # most memory for prompts that were answered; below 0: as much as the engine likes
    threads: int = 0  # 0: as many as there are usable cores when it starts
    size: int = 0  # of the files: another size is another model under the same name
    gpus: tuple[str, ...] = ()  # ids of those it is held to; empty: the engine uses what there is
    devices: tuple[str, ...] = ()  # what the engine calls them
    visible: tuple[tuple[str, str], ...] = ()  # environment that shows it nothing else
    margins_mib: tuple[int, ...] = ()  # what it leaves free on each of its devices
    whole: bool = False  # every layer goes to the devices, or it does not start
    self_test: bool = False  # the bundled model, whose answers are known
    attempt: int = 0  # raised when a person asks to try again: a new attempt is a new process


@dataclass(frozen=True, slots=True)
class Child:
    spec: EngineSpec
    state: ChildState
    since: float
    phase: Phase | None = None
    progress: float | None = None  # 0..1 while loading
    pid: int | None = None
    endpoint: Endpoint | None = None
    restarts: int = 0
    failure: Failure | None = None
    retry_at: float | None = None
    context: int | None = None  # as the engine reports it once ready
    answer_ms: float | None = None  # how long the first right answer took


@dataclass(frozen=True, slots=True)
class NodeFacts:
    id: str
    version: str
    flavor: str
    started_at: float
    api_port: int
    web_port: int


@dataclass(frozen=True, slots=True)
class RequestLoad:
    in_flight: int = 0
    queued: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    node: NodeFacts
    settings: Settings
    inventory: Inventory | None = None
    engine_devices: EngineDevices | None = None  # as the engine calls the GPUs, once it was asked
    trials: Trials = field(default_factory=dict)  # of an earlier machine or engine as well
    library: Library | None = None
    children: Mapping[str, Child] = field(default_factory=dict)
    troubles: Mapping[TroubleKind, str] = field(default_factory=dict)
    asleep: frozenset[str] = frozenset()  # models put to sleep, until somebody asks for them
    attempts: Mapping[str, int] = field(default_factory=dict)  # how often a person asked to try a model again
    requests: RequestLoad = RequestLoad()
    jobs: Mapping[str, Job] = field(default_factory=dict)  # in the order they were asked for
    attention: Attention = field(default_factory=Attention)
    peers: Mapping[str, Peer] = field(default_factory=dict)  # the other boxes, by id
    links: tuple[Link, ...] = ()
    draining: bool = False
