"""Which model this box should start by itself."""

from __future__ import annotations

from appliance.mesh.membership.demand import Demand
from appliance.mesh.membership.facts import Facts, GpuFact, MemoryFact, ModelFact
from appliance.mesh.membership.promotion import (
    REST,
    SETTLE,
    STEADY,
    TURN,
    Memory,
    NodeView,
    Promotion,
    Reason,
    View,
    decide_promotions,
    view_of,
)
from appliance.mesh.membership.table import Member
from appliance.mesh.types import PeerState
from tests.unit.mesh.membership.pair import record

STANDBYS = tuple(f"box{n}" for n in range(6))


def wanted(model: str = "tiny", recent: int = 5, last: float = 0.0) -> Demand:
    return Demand(model, recent, recent, last)


def view(*nodes: NodeView, demand: tuple[Demand, ...] = (wanted(),)) -> View:
    return View(nodes, {one.model: one for one in demand})


def idle(node: str, *fits: str) -> NodeView:
    return NodeView(node, {}, frozenset(fits or ("tiny",)))


def movers(seen: View, at: float, memories: dict[str, Memory] | None = None) -> list[str]:
    """Who of all moves at that time, having watched from 0 on."""
    found = []
    for node in seen.nodes:
        memory = (memories or {}).get(node.node) or decide_promotions(node.node, seen, Memory(), 0.0)[1]
        if decide_promotions(node.node, seen, memory, at)[0]:
            found.append(node.node)
    return found


def test_one_of_many_moves() -> None:
    """Not a herd."""
    seen = view(*(idle(node) for node in STANDBYS))
    assert movers(seen, SETTLE - 0.1) == []
    assert len(movers(seen, SETTLE)) == 1


def test_the_next_moves_when_the_first_did_not() -> None:
    """One after the other."""
    seen = view(*(idle(node) for node in STANDBYS))
    assert len(movers(seen, SETTLE + TURN)) == 2
    assert len(movers(seen, SETTLE + 2 * TURN)) == 3


def test_another_model_draws_another_box() -> None:
    """The order is drawn by both names, so that the load spreads."""
    models = [f"model{n}" for n in range(12)]
    firsts = {
        movers(view(*(idle(node, model) for node in STANDBYS), demand=(wanted(model),)), SETTLE)[0] for model in models
    }
    assert len(firsts) > 2


def test_who_serves_nothing_comes_before_who_is_busy() -> None:
    """Whatever the lot says."""
    busy = tuple(NodeView(node, {"other": "ready"}, frozenset({"tiny"})) for node in STANDBYS)
    assert movers(view(*busy, idle("zz")), SETTLE) == ["zz"]


def test_what_is_served_or_coming_is_left_alone() -> None:
    """Also when it only sleeps: a request wakes it."""
    for state in ("ready", "sleeping", "loading", "planned", "probing", "recovering"):
        assert movers(view(idle("attic"), NodeView("den", {"tiny": state})), 100.0) == []


def test_where_it_failed_it_is_not_tried_again_at_once() -> None:
    """Another box is."""
    failed = NodeView("den", {"tiny": "failed"}, frozenset({"tiny"}))
    assert movers(view(failed, idle("attic")), SETTLE) == ["attic"]


def test_nobody_moves_for_what_nobody_wanted_for_an_hour() -> None:
    """Or what nobody has room for."""
    assert movers(view(idle("attic"), demand=(wanted(last=-4000.0),)), SETTLE) == []
    assert movers(view(idle("attic", "other")), SETTLE) == []


def hot_view(hot: int = 60, cold: int = 2, *, coming: bool = False) -> View:
    servers = (NodeView("a", {"hot": "ready"}), NodeView("b", {"cold": "ready"}))
    more = (NodeView("c", {"hot": "loading"}),) if coming else ()
    demand = (wanted("hot", hot), wanted("cold", cold))
    return view(*servers, *more, *(idle(node, "hot") for node in STANDBYS), demand=demand)


def test_a_model_that_stays_hot_gets_one_more_server() -> None:
    """When it was for a while."""
    assert movers(hot_view(), STEADY - 1) == []
    assert len(movers(hot_view(), STEADY)) == 1


def test_not_hot_enough_moves_nobody() -> None:
    """Three times the coldest, and ten requests for each server."""
    assert movers(hot_view(hot=60, cold=21), STEADY) == []
    assert movers(hot_view(hot=9, cold=0), STEADY) == []


def test_another_server_on_its_way_is_waited_for() -> None:
    """Before another one is thought of."""
    assert movers(hot_view(coming=True), 500.0) == []


def test_heat_that_comes_and_goes_moves_nobody() -> None:
    """It has to last without a break."""
    memory = Memory()
    for at in range(0, 200, 10):
        seen = hot_view() if at % 30 else hot_view(hot=0)
        found, memory = decide_promotions(STANDBYS[0], seen, memory, float(at))
        assert found == ()


def test_after_a_move_for_heat_a_box_rests() -> None:
    """But not when something is not served at all."""
    seen = hot_view()
    mover = movers(seen, STEADY)[0]
    _, memory = decide_promotions(mover, seen, Memory(), 0.0)
    found, memory = decide_promotions(mover, seen, memory, STEADY)
    assert found == (Promotion("hot", Reason.HOT),)
    assert decide_promotions(mover, seen, memory, STEADY + REST - 1)[0] == ()
    lost = view(idle(mover), demand=(wanted(),))
    _, memory = decide_promotions(mover, lost, memory, STEADY + 5)
    assert decide_promotions(mover, lost, memory, STEADY + 5 + SETTLE)[0] == (Promotion("tiny", Reason.UNSERVED),)


def test_the_view_is_made_of_what_others_say() -> None:
    """What lies there and fits, what is served; of the present only."""
    models = (
        ModelFact("tiny", "ready"),
        ModelFact("fits", "available", need=30),
        ModelFact("big", "available", need=90),
    )
    facts = Facts(gpus=(GpuFact("0", "card", total=100, used=50),), memory=MemoryFact(1000), models=models)
    here = Member(record("den", facts=facts), PeerState.ALIVE, 0.0, 0.0)
    gone = Member(record("lab", facts=facts), PeerState.DEAD, 0.0, 0.0)
    found = view_of(idle("attic"), {"den": here, "lab": gone}, {})
    assert found.nodes == (idle("attic"), NodeView("den", {"tiny": "ready"}, frozenset({"fits"})))


def test_without_accelerators_memory_counts() -> None:
    """What is free of it."""
    facts = Facts(memory=MemoryFact(100, 60), models=(ModelFact("fits", "available", need=40),))
    member = Member(record("den", facts=facts), PeerState.ALIVE, 0.0, 0.0)
    assert view_of(idle("attic"), {"den": member}, {}).nodes[1].fits == {"fits"}
