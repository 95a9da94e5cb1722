"""What is: the whole state of the box as one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from appliance.hardware.engine_devices import EngineDevices
from appliance.hardware.engine_layout import Layout
from appliance.hardware.trials import Trials
from appliance.hardware.types import Inventory
from appliance.mesh.types import Link, Peer
from appliance.models.draft_trials import DraftTrials
from appliance.models.types import Ability, Library
from appliance.node.attention import Attention
from appliance.node.failure import Failure
from appliance.node.jobs import Job
from appliance.node.left_out import LeftOut
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
    OLLAMA_PORT_TAKEN = "ollama_port_taken"
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
    context: int = 0  # what it is given; 0: as much as the engine finds right
    asked_context: int = 0  # what the owner asked for; 0: as much as there is room for
    slots: int = 4
    kv_type: str = "f16"
    projector: str = ""  # path of the file that gives it eyes or ears
    drafting: str = ""  # in which way tokens are proposed to it: see models.drafts.Way; empty: not at all
    draft: str = ""  # path of the model that drafts for it
    no_room_for: str = ""  # what would draft for it and found no room
    trial: bool = False  # how fast it is without its helper is measured before anybody may ask it
    cache_mib: int = -1  # most memory for prompts that were answered; below 0: as much as the engine likes
    asked_cache_mib: int = 0  # what the owner asked for; 0: what can be spared
    threads: int = 0  # 0: as many as there are usable cores when it starts
    size: int = 0  # of the files: another size is another model under the same name
    gpus: tuple[str, ...] = ()  # ids of those it is held to; empty: the engine uses what there is
    devices: tuple[str, ...] = ()  # what the engine calls them
    visible: tuple[tuple[str, str], ...] = ()  # environment that shows it nothing else
    margins_mib: tuple[int, ...] = ()  # what it leaves free on each of its devices
    whole: bool = False  # every layer goes to the devices, or it does not start
    self_test: bool = False  # the bundled model, whose answers are known
    settled: bool = field(default=False, compare=False)  # it fits the only device there is: nothing is left to lay out
    warm_up: bool = field(default=True, compare=False)  # False: its first question goes through all of it anyway
    attempt: int = 0  # raised when a person asks to try again: a new attempt is a new process
    # bytes it was let in for, by device; worked out once, and no reason to start it anew
    claims: tuple[tuple[str, int], ...] = field(default=(), compare=False)


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
    laid_out: Layout = ()  # on which devices it said it would put what; empty when it did not say
    anonymous: int = 0  # bytes of the machine's memory that it holds beside its files, as last looked up


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
    draft_trials: DraftTrials = field(default_factory=dict)
    left_out: Mapping[str, LeftOut] = field(default_factory=dict)  # by model; also of an earlier attempt
    library: Library | None = None
    children: Mapping[str, Child] = field(default_factory=dict)
    troubles: Mapping[TroubleKind, str] = field(default_factory=dict)
    asleep: frozenset[str] = frozenset()  # models put to sleep, until somebody asks for them
    called: Mapping[str, float] = field(default_factory=dict)  # models that somebody waits for, and since when
    guests: frozenset[str] = frozenset()  # loaded because a request asked for them
    yielding: frozenset[str] = frozenset()  # on their way out, for a model that somebody waits for
    attempts: Mapping[str, int] = field(default_factory=dict)  # how often a person asked to try a model again
    requests: RequestLoad = RequestLoad()
    jobs: Mapping[str, Job] = field(default_factory=dict)  # in the order they were asked for
    attention: Attention = field(default_factory=Attention)
    peers: Mapping[str, Peer] = field(default_factory=dict)  # the other boxes, by id
    links: tuple[Link, ...] = ()
    draining: bool = False
