"""Peers and links as plain values. What a peer says of itself is a claim."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Role(StrEnum):
    NODE = "node"
    CLIENT = "client"  # computes nothing: it only sends requests on


class PeerState(StrEnum):
    ALIVE = "alive"
    SUSPECT = "suspect"  # silent for a moment
    DEAD = "dead"  # silent for too long
    LEFT = "left"  # said goodbye


class Lane(StrEnum):
    """The way between two boxes."""

    QUIC = "quic"
    TLS = "tls"
    RELAY = "relay"


@dataclass(frozen=True, slots=True)
class PeerMemory:
    total: int  # bytes
    used: int | None = None


@dataclass(frozen=True, slots=True)
class PeerGpu:
    """An accelerator of another box, as far as that box tells."""

    id: str
    name: str
    memory_total: int | None
    memory_used: int | None = None
    vendor: str = ""


@dataclass(frozen=True, slots=True)
class NodeShare:
    """How much of a model one node computes: 1.0 is all of it."""

    node: str
    share: float


@dataclass(frozen=True, slots=True)
class PeerModel:
    """A model, or a part of one, that a peer serves. The words are those of a serving entry."""

    id: str
    state: str
    share: float = 1.0
    kind: str = "solo"
    host: bool = True  # takes the requests; the other nodes of a split only compute
    context: int | None = None
    abilities: tuple[str, ...] = ()  # empty: it did not say
    modalities: tuple[str, ...] = ("text",)
    skills: tuple[str, ...] = ()  # that its files prove
    parameters: int | None = None
    slots: int | None = None  # requests that it answers side by side
    busy: int = 0  # those that are there or wait


@dataclass(frozen=True, slots=True)
class Peer:
    id: str
    name: str
    role: Role = Role.NODE
    state: PeerState = PeerState.ALIVE
    rtt_ms: float | None = None
    addresses: tuple[str, ...] = ()
    version: str = ""
    flavor: str = ""
    gpus: tuple[PeerGpu, ...] = ()
    memory: PeerMemory | None = None
    models: tuple[PeerModel, ...] = ()
    started_at: float | None = None
    # left out of comparisons: hearing from a peer that is alive changes nothing that is shown or decided
    seen_at: float | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Link:
    """The way between two nodes, measured from one of them; no lane: they know of each other and cannot talk."""

    source: str
    target: str
    lane: Lane | None
    rtt_ms: float | None = None
    mb_s: float | None = None
    loss: float | None = None  # 0..1
    via: str | None = None  # the node that relays
