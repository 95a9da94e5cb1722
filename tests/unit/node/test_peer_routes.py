"""What other boxes serve, in the routing table."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.mesh.types import Peer, PeerModel, PeerState, Role
from appliance.models.types import Ability, Capability
from appliance.node.decide import decide
from appliance.node.peer_routes import MOST_MODELS, with_peers
from appliance.routing.table import AUTO, REMOTE, Route, RouteState, RoutingTable, on_node
from tests.builders import MODEL_ID, make_child, make_snapshot, with_child
from tests.peers import make_peers

OWN = RoutingTable({"own": Route("own", RouteState.READY, frozenset({Ability.CHAT}))}, {"gpt": "own"})


def peer(*models: PeerModel, **fields: Any) -> Peer:
    return Peer("peer1", "attic", models=models, **fields)


def table(*peers: Peer, own: RoutingTable = OWN) -> RoutingTable:
    return with_peers(own, peers, "me")


def test_a_model_of_another_box_can_be_asked_for() -> None:
    """With all that decides whether it fits a request."""
    model = PeerModel(
        "big",
        "ready",
        context=4096,
        abilities=("chat", "dance"),
        modalities=("text", "image"),
        skills=("tools",),
        slots=2,
    )
    route = table(peer(model, rtt_ms=2.5)).routes["big"]
    assert (route.state, route.kind, route.endpoint, route.context) == (
        RouteState.READY,
        REMOTE,
        on_node("peer1"),
        4096,
    )
    assert (route.abilities, route.modalities) == (frozenset({Ability.CHAT}), ("text", "image"))
    assert route.skills == frozenset({Capability.TOOLS})
    (target,) = route.targets
    assert (target.node, target.name, target.slots, target.rtt_ms) == ("peer1", "attic", 2, 2.5)


def test_without_other_boxes_nothing_is_different() -> None:
    """The very same table: nothing is made anew for nothing."""
    assert table() is OWN
    assert table(peer()) is OWN


@pytest.mark.parametrize("fields", [{"state": PeerState.DEAD}, {"state": PeerState.LEFT}, {"role": Role.CLIENT}])
def test_who_is_not_asked(fields: dict[str, Any]) -> None:
    """The dead, those that left, and those that compute nothing."""
    assert table(peer(PeerModel("big", "ready"), **fields)) is OWN


def test_this_box_is_not_its_own_neighbour() -> None:
    """Should it hear of itself."""
    assert with_peers(OWN, [replace(peer(PeerModel("big", "ready")), id="me")], "me") is OWN


@pytest.mark.parametrize(
    "model",
    [
        PeerModel("part", "ready", 0.5, "pipeline", host=False),
        PeerModel("broken", "failed"),
        PeerModel("planned", "planned"),
        PeerModel(AUTO, "ready"),
        PeerModel("", "ready"),
        PeerModel("two\nlines", "ready"),
        PeerModel("x" * 201, "ready"),
        PeerModel("gpt", "ready"),
    ],
)
def test_what_nobody_can_ask_for(model: PeerModel) -> None:
    """Parts of a split, what does not run, names that are none, and names that mean something here already."""
    assert table(peer(model)) is OWN


def test_a_name_goes_on_to_mean_what_it_meant() -> None:
    """Another box with a similar model makes no short name of this box ambiguous."""
    own = RoutingTable({"llama-Q4_K_M": Route("llama-Q4_K_M", RouteState.READY, frozenset({Ability.CHAT}))})
    both = table(peer(PeerModel("llama-Q8_0", "ready")), own=own)
    found = both.find("llama")
    assert found is not None
    assert found.model == "llama-Q4_K_M"
    first = both.find(AUTO)
    assert first is not None
    assert first.here


def test_one_box_cannot_fill_the_table() -> None:
    """Only its first models count."""
    many = peer(*(PeerModel(f"m{number}", "ready") for number in range(10_000)))
    assert len(table(many).routes) == MOST_MODELS + len(OWN.routes)


def test_numbers_that_make_no_sense_are_not_told() -> None:
    """Neither sizes of the universe nor below nothing."""
    odd = peer(PeerModel("big", "ready", context=-5, slots=10**30, busy=-1, parameters=10**40), rtt_ms=float("nan"))
    route = table(odd).routes["big"]
    (target,) = route.targets
    assert (route.context, route.parameters, target.slots, target.busy, target.rtt_ms) == (
        None,
        None,
        None,
        0,
        float("inf"),
    )


def test_hostile_boxes_make_no_trouble() -> None:
    """Whatever they call themselves and their models."""
    found = table(*make_peers(60, hostile=True))
    assert all(name.isprintable() and len(name) <= 200 for name in found.routes)


def test_a_model_that_loads_here_is_ready_when_it_is_elsewhere() -> None:
    """For clients; the table for other boxes tells only what this one does itself."""
    snapshot = make_snapshot(peers={"peer1": peer(PeerModel(MODEL_ID, "ready"))})
    decision = decide(snapshot, 1000.0)
    assert decision.routes.routes[MODEL_ID].state is RouteState.READY
    assert decision.own_routes.routes[MODEL_ID].state is RouteState.LOADING
    here = decide(with_child(snapshot, make_child(snapshot)), 1000.0).routes.routes[MODEL_ID]
    assert (here.kind, [target.node for target in here.targets]) == ("solo", ["", "peer1"])
