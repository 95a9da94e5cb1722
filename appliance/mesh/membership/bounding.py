"""The facts of this box as others accept them: plain texts, no list and no number too long."""

from __future__ import annotations

import math

from appliance.mesh.membership.facts import (
    MOST_ADDRESSES,
    MOST_GPUS,
    MOST_LEASES,
    MOST_MODELS,
    MOST_WANTED,
    CounterFact,
    Facts,
    GpuFact,
    LeaseFact,
    LoadFact,
    MemoryFact,
    ModelFact,
)
from appliance.mesh.plain import plain


def bounded(facts: Facts) -> Facts:
    """The facts of this box as others accept them: plain texts, no list too long."""
    return Facts(
        name=plain(facts.name, 64),
        role=plain(facts.role, 64),
        addresses=tuple(plain(address, 64) for address in facts.addresses[:MOST_ADDRESSES]),
        version=plain(facts.version, 64),
        flavor=plain(facts.flavor, 64),
        started=_count(facts.started),
        memory=MemoryFact(_count(facts.memory.total), _count(facts.memory.used)),
        gpus=tuple(_gpu(gpu) for gpu in facts.gpus[:MOST_GPUS]),
        models=tuple(_model(model) for model in facts.models[:MOST_MODELS] if plain(model.id)),
        leases=tuple(_lease(lease) for lease in facts.leases[:MOST_LEASES]),
        load=_load(facts.load),
        demand=facts.demand[:MOST_WANTED],
        counters=tuple(CounterFact(plain(one.name, 64), _count(one.value)) for one in facts.counters[:16]),
    )


def _gpu(gpu: GpuFact) -> GpuFact:
    return GpuFact(plain(gpu.id), plain(gpu.name, 64), plain(gpu.vendor, 64), _maybe(gpu.total), _maybe(gpu.used))


def _model(model: ModelFact) -> ModelFact:
    return ModelFact(
        id=plain(model.id),
        state=plain(model.state, 64),
        share=min(_real(model.share), 1.0),
        kind=plain(model.kind, 64),
        host=model.host,
        context=_maybe(model.context),
        abilities=_words(model.abilities),
        modalities=_words(model.modalities),
        skills=_words(model.skills),
        parameters=_maybe(model.parameters),
        slots=_maybe(model.slots),
        busy=_count(model.busy),
        need=_count(model.need),
    )


def _load(load: LoadFact) -> LoadFact:
    return LoadFact(_count(load.running), _count(load.queued), min(_real(load.tokens_s), 1e9), _count(load.stalled))


def _lease(lease: LeaseFact) -> LeaseFact:
    return LeaseFact(plain(lease.plan), min(_count(lease.epoch), 1 << 40), _count(lease.beat))


def _words(words: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(plain(word, 32) for word in words[:16])


def _real(number: float) -> float:
    return max(number, 0.0) if math.isfinite(number) else 0.0


def _maybe(number: int | None) -> int | None:
    return None if number is None else _count(number)


def _count(number: int) -> int:
    return min(max(number, 0), 1 << 53)
