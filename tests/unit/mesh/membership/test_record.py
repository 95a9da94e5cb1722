"""What nodes say of themselves: signed, and never too large."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.membership.facts import (
    MOST_MODELS,
    CounterFact,
    DemandFact,
    Facts,
    MemoryFact,
    ModelFact,
)
from appliance.mesh.membership.record import LARGEST, LARGEST_BLOB, opened
from appliance.mesh.membership.wire import Malformed
from tests.sim.trust import trust_of
from tests.unit.mesh.membership.pair import record


def test_what_is_sealed_can_be_opened_and_is_genuine() -> None:
    """And says the same."""
    facts = Facts(name="attic", models=(ModelFact("tiny", "ready", context=4096),), memory=MemoryFact(100, 50))
    made = record("attic", facts=facts)
    found = opened(made.blob)
    assert found == made
    assert found.facts == facts
    assert found.genuine(trust_of("cellar"))


def test_another_ones_signature_is_not_genuine() -> None:
    """Nobody speaks for somebody else."""
    real, other = record("attic"), record("cellar")
    sealed = msgspec.msgpack.encode([real.signed.split(b"\0", 1)[1], other.signature, other.proof])
    assert not opened(sealed).genuine(trust_of("den"))


@given(st.binary(max_size=300))
def test_garbage_is_malformed(data: bytes) -> None:
    """Whatever it is."""
    with pytest.raises(Malformed):
        opened(data)


def test_a_record_that_is_too_large_is_not_even_looked_at() -> None:
    """However good it may be."""
    with pytest.raises(Malformed):
        opened(bytes(LARGEST_BLOB + 1))


def test_too_much_to_say_is_cut_until_it_fits() -> None:
    """What is served stays before what only lies on the disk."""
    models = tuple(ModelFact(f"{'m' * 180}{n}", "ready" if n % 8 == 0 else "available") for n in range(MOST_MODELS))
    demand = tuple(DemandFact(f"{'d' * 190}{n}", 0, ((1, 1),)) for n in range(32))
    made = record("attic", facts=Facts(models=models, demand=demand, counters=(CounterFact("answered", 5),)))
    assert len(made.signed) <= LARGEST + 32
    kept = opened(made.blob).facts.models
    assert {model.id for model in models if model.state == "ready"} <= {model.id for model in kept}
