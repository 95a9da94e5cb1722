"""A strange name of this box makes no record that others refuse."""

from __future__ import annotations

import pytest

from appliance.mesh.membership.bounding import bounded
from appliance.mesh.membership.facts import Facts, GpuFact, MemoryFact, ModelFact
from appliance.mesh.membership.record import opened
from tests.peers import HOSTILE_TEXTS
from tests.sim.trust import trust_of
from tests.unit.mesh.membership.pair import record


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_own_facts_are_made_acceptable(text: str) -> None:
    """A strange name of this box or of its models makes no record that others refuse."""
    facts = Facts(
        name=text,
        addresses=(text,) * 40,
        version=text,
        flavor=text,
        started=-5,
        memory=MemoryFact(1 << 60, -1),
        gpus=(GpuFact(text, text, text),) * 40,
        models=(ModelFact(text, text, abilities=(text,) * 40),) * 100,
    )
    made = record("attic", facts=bounded(facts))
    assert opened(made.blob).genuine(trust_of("cellar"))
