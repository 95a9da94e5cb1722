"""What a node says of itself, as it travels. Every list and every number has a limit."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from appliance.mesh.membership.wire import Count

MOST_MODELS = 64
MOST_GPUS = 16
MOST_ADDRESSES = 16
MOST_WANTED = 32
MOST_EPOCHS = 24
MOST_LEASES = 16

Text = Annotated[str, Meta(max_length=64)]
Name = Annotated[str, Meta(max_length=200)]
Words = Annotated[tuple[Annotated[str, Meta(max_length=32)], ...], Meta(max_length=16)]
Share = Annotated[float, Meta(ge=0, le=1)]
Rate = Annotated[float, Meta(ge=0, le=1e9)]
Epoch = Annotated[int, Meta(ge=0, le=1 << 40)]


class MemoryFact(Struct, frozen=True, array_like=True):
    total: Count = 0
    used: Count = 0


class GpuFact(Struct, frozen=True, array_like=True):
    id: Name
    name: Text
    vendor: Text = ""
    total: Count | None = None
    used: Count | None = None


class ModelFact(Struct, frozen=True, array_like=True):
    """A model that is served, or one that only lies on the disk (state `available`)."""

    id: Name
    state: Text
    share: Share = 1.0
    kind: Text = "solo"
    host: bool = True
    context: Count | None = None
    abilities: Words = ()
    modalities: Words = ("text",)
    skills: Words = ()
    parameters: Count | None = None
    slots: Count | None = None
    busy: Count = 0  # requests that are there or wait
    need: Count = 0  # bytes of memory it takes


class LoadFact(Struct, frozen=True, array_like=True):
    running: Count = 0
    queued: Count = 0
    tokens_s: Rate = 0.0
    stalled: Count = 0  # seconds for which requests run and nothing comes: alive, but wedged


class DemandFact(Struct, frozen=True, array_like=True):
    """How often requests that came in here wanted a model: counts by epochs of this node's own clock."""

    model: Name
    idle: Count  # seconds since the last one, when the record was made
    counts: Annotated[tuple[tuple[Epoch, Count], ...], Meta(max_length=MOST_EPOCHS)] = ()


class LeaseFact(Struct, frozen=True, array_like=True):
    """This node runs, or is about to run, the head of a split."""

    plan: Name
    epoch: Epoch
    beat: Count  # grows with every renewal


class CounterFact(Struct, frozen=True, array_like=True):
    name: Text
    value: Count


class Facts(Struct, frozen=True, array_like=True):
    name: Text = ""
    role: Text = "node"
    addresses: Annotated[tuple[Text, ...], Meta(max_length=MOST_ADDRESSES)] = ()
    version: Text = ""
    flavor: Text = ""
    started: Count = 0  # wall clock, seconds
    memory: MemoryFact = MemoryFact()
    gpus: Annotated[tuple[GpuFact, ...], Meta(max_length=MOST_GPUS)] = ()
    models: Annotated[tuple[ModelFact, ...], Meta(max_length=MOST_MODELS)] = ()
    leases: Annotated[tuple[LeaseFact, ...], Meta(max_length=MOST_LEASES)] = ()
    load: LoadFact = LoadFact()
    demand: Annotated[tuple[DemandFact, ...], Meta(max_length=MOST_WANTED)] = ()
    counters: Annotated[tuple[CounterFact, ...], Meta(max_length=16)] = ()
