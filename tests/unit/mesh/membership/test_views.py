"""Peers as pages and routing see them."""

from __future__ import annotations

import msgspec
import pytest

from appliance.mesh.membership.facts import Facts, GpuFact, MemoryFact, ModelFact
from appliance.mesh.membership.table import Member
from appliance.mesh.membership.views import peers, skewed
from appliance.mesh.plain import plain
from appliance.mesh.types import Peer, PeerGpu, PeerMemory, PeerModel, PeerState
from tests.peers import HOSTILE_TEXTS
from tests.unit.mesh.membership.pair import record

FACTS = Facts(
    name="Attic",
    addresses=("10.0.0.2:9338",),
    version="0.1.0",
    flavor="cuda",
    started=1_700_000_000,
    memory=MemoryFact(64, 32),
    gpus=(GpuFact("pci:1", "card", "nvidia", 24, 12),),
    models=(ModelFact("tiny", "ready", context=4096, slots=4, busy=1), ModelFact("other", "available", need=5)),
)


def member(facts: Facts = FACTS, state: PeerState = PeerState.ALIVE) -> Member:
    return Member(record("attic", facts=facts), state, since=1.0, arrived=1.0, heard=5.0, rtt=0.00123)


def test_a_member_is_a_peer() -> None:
    """With all that it says; what only lies on its disk is not served."""
    assert peers({"attic": member()}, wall_offset=1000.0) == (
        Peer(
            id="attic",
            name="Attic",
            rtt_ms=1.3,
            addresses=("10.0.0.2:9338",),
            version="0.1.0",
            flavor="cuda",
            gpus=(PeerGpu("pci:1", "card", 24, 12, "nvidia"),),
            memory=PeerMemory(64, 32),
            models=(PeerModel("tiny", "ready", context=4096, slots=4, busy=1),),
            started_at=1_700_000_000.0,
            seen_at=1005.0,
        ),
    )


@pytest.mark.parametrize("text", [text for text in HOSTILE_TEXTS if text.isprintable() and len(text) < 60])
def test_texts_of_others_are_made_plain(text: str) -> None:
    """Also when the record came from a box that does not do that itself."""
    facts = Facts(name=text, addresses=(text,), version=text, models=(ModelFact(text, text),))
    (found,) = peers({"attic": member(facts)}, 0.0)
    assert found.name == plain(text, 64)
    assert found.models[0].id == plain(text)


def test_a_flicker_of_the_round_trip_is_no_change() -> None:
    """Pages are not drawn anew for it."""
    one, other = member(), member()
    other.rtt = 0.00126
    assert peers({"attic": one}, 0.0) == peers({"attic": other}, 0.0)


def test_the_gone_are_shown_as_gone() -> None:
    """In their state."""
    assert peers({"attic": member(state=PeerState.LEFT)}, 0.0)[0].state is PeerState.LEFT


def test_whose_clock_is_wrong_is_named() -> None:
    """When it is wrong by minutes, and only of those who are there."""
    right, wrong, gone = member(), member(), member(state=PeerState.DEAD)
    right.skew, wrong.skew, gone.skew = 3.0, -4000.0, 4000.0
    assert skewed({"right": right, "wrong": wrong, "gone": gone}) == {"wrong": -4000.0}


def test_without_a_word_nothing_is_made_up() -> None:
    """An empty record is an empty peer."""
    bare = member(Facts())
    bare.heard, bare.rtt = float("-inf"), None
    assert peers({"attic": bare}, 0.0) == (Peer(id="attic", name=""),)
    assert msgspec.structs.asdict(Facts())["role"] == "node"
