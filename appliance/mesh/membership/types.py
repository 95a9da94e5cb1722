"""What the machine puts out, whom it asks about trust, and how long things take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from appliance.mesh.types import PeerState

T = TypeVar("T")


class Chance(Protocol):
    """What is needed of a `random.Random`; given, so that the same chance makes the same mesh."""

    def random(self) -> float: ...
    def randrange(self, stop: int, /) -> int: ...
    def choice(self, seq: Sequence[T], /) -> T: ...
    def sample(self, population: Sequence[T], k: int) -> list[T]: ...
    def shuffle(self, x: list[Any], /) -> None: ...


@dataclass(frozen=True, slots=True)
class Send:
    to: str
    data: bytes  # the same object for all who get the same


@dataclass(frozen=True, slots=True)
class MemberChanged:
    node: str
    state: PeerState
    was: PeerState | None  # None: not known until now


@dataclass(frozen=True, slots=True)
class RecordChanged:
    """A member says something new about itself."""

    node: str


@dataclass(frozen=True, slots=True)
class TopicArrived:
    """Something that concerns everybody, like the removal of a member; it was found good before."""

    topic: str
    data: bytes


Out = Send | MemberChanged | RecordChanged | TopicArrived


def _always(_node: str) -> bool:
    return True


def _never(_topic: str, _data: bytes) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Trust:
    """What others decide: signatures, who belongs to the mesh, which news of a topic are good."""

    sign: Callable[[bytes], bytes]
    proof: Callable[[], bytes]  # key and certificate of this box, as `verify` of the others wants them
    verify: Callable[[str, bytes, bytes, bytes], bool]  # node, what is signed, signature, proof
    allowed: Callable[[str], bool] = _always  # of the mesh, and not removed
    gossips: Callable[[str], bool] = _always  # a member; clients only ask
    accept: Callable[[str, bytes], bool] = _never


@dataclass(frozen=True, slots=True)
class Timing:
    """Seconds, for a home or a lab. A crash is seen by all of five nodes within six."""

    probe_every: float = 1.0
    answer_within: float = 0.5  # then others are asked to try
    helpers: int = 3
    suspect_for: float = 2.4  # once others agree
    suspect_alone: float = 4.0  # while nobody does
    gossip_every: float = 0.33
    tell_important: float = 0.3  # at the least between two records of this box
    tell_load: float = 2.0
    sync_every: float = 1.0  # at the most often, when something differs
    retry_every: float = 5.0  # to reach somebody who is gone
    forget_after: float = 24 * 3600.0
    watch_for: float = 30.0  # how long a client is told of changes without asking again
    watch_every: float = 1.0
    late: float = 0.25  # woken that much later than wanted, the box itself is slow


@dataclass(slots=True)
class Stats:
    """What was refused and why; grows only."""

    received: int = 0
    malformed: int = 0
    later: int = 0  # of a protocol that is not understood yet
    strangers: int = 0
    forged: int = 0
    replayed: int = 0
    unfounded: int = 0  # claims about somebody with a number that this one never used
    refuted: int = 0  # claims that this box is gone
    accused: int = 0  # members suspected by this box itself
    syncs: int = 0
