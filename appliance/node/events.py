"""What adapters report to the run loop: facts, in the past tense."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from appliance.hardware.engine_devices import EngineDevices
from appliance.hardware.trials import Trials
from appliance.hardware.types import Inventory
from appliance.mesh.types import Link, Peer
from appliance.models.draft_trials import DraftTrial
from appliance.models.types import Library
from appliance.node.jobs import Job
from appliance.node.snapshot import Child, RequestLoad, TroubleKind
from appliance.settings.schema import Settings


@dataclass(frozen=True, slots=True)
class HardwareProbed:
    inventory: Inventory


@dataclass(frozen=True, slots=True)
class EngineDevicesListed:
    """The engine told which GPUs it can use, or could not be asked."""

    listed: EngineDevices


@dataclass(frozen=True, slots=True)
class TrialsKept:
    """All that was tried on the devices of this box."""

    trials: Trials


@dataclass(frozen=True, slots=True)
class DraftTried:
    """How fast a model is with its helper or without."""

    model: str
    trial: DraftTrial


@dataclass(frozen=True, slots=True)
class DraftForgotten:
    """A person wants it measured again: other work of the machine may have spoilt the figures."""

    model: str


@dataclass(frozen=True, slots=True)
class LibraryScanned:
    library: Library


@dataclass(frozen=True, slots=True)
class SettingsChanged:
    settings: Settings


@dataclass(frozen=True, slots=True)
class ChildReported:
    child: Child


@dataclass(frozen=True, slots=True)
class ChildForgotten:
    """A stopped child left the supervisor's books."""

    model: str


@dataclass(frozen=True, slots=True)
class RetryAsked:
    """A person wants a failed model tried again now."""

    model: str


@dataclass(frozen=True, slots=True)
class SleepAsked:
    """A model shall free its memory until the next request for it."""

    model: str


@dataclass(frozen=True, slots=True)
class WakeAsked:
    """Somebody waits for a model: one that sleeps, or one that only lies on the disk."""

    model: str
    at: float


@dataclass(frozen=True, slots=True)
class GiveWayAsked:
    """A model that nobody uses now makes room for one that somebody waits for."""

    model: str


@dataclass(frozen=True, slots=True)
class Dismissed:
    """A person wants a model no longer."""

    model: str


@dataclass(frozen=True, slots=True)
class JobReported:
    job: Job


@dataclass(frozen=True, slots=True)
class JobForgotten:
    job_id: str


@dataclass(frozen=True, slots=True)
class LoadMeasured:
    requests: RequestLoad


@dataclass(frozen=True, slots=True)
class TroubleFound:
    kind: TroubleKind
    detail: str


@dataclass(frozen=True, slots=True)
class TroubleEnded:
    kind: TroubleKind


@dataclass(frozen=True, slots=True)
class IssuesNoted:
    """Which issues there are, and whether each is grave."""

    present: Mapping[str, bool]
    at: float
    settled: bool  # the box runs long enough for every issue of an earlier run to have shown up again


@dataclass(frozen=True, slots=True)
class IssueHidden:
    """A person does not want to see an issue until it happens again."""

    issue_id: str
    grave: bool


@dataclass(frozen=True, slots=True)
class IssueShown:
    issue_id: str


@dataclass(frozen=True, slots=True)
class PeersReported:
    """All other boxes of the mesh and the links that are known, as they are now."""

    peers: tuple[Peer, ...]
    links: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class DrainStarted:
    """The box was told to stop: nothing new is started."""


Event = (
    HardwareProbed
    | EngineDevicesListed
    | TrialsKept
    | DraftTried
    | DraftForgotten
    | LibraryScanned
    | SettingsChanged
    | ChildReported
    | ChildForgotten
    | RetryAsked
    | SleepAsked
    | WakeAsked
    | GiveWayAsked
    | Dismissed
    | JobReported
    | JobForgotten
    | LoadMeasured
    | TroubleFound
    | TroubleEnded
    | IssuesNoted
    | IssueHidden
    | IssueShown
    | PeersReported
    | DrainStarted
)
