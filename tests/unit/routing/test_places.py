"""Which of several boxes answers."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from appliance.models.types import Ability
from appliance.routing.places import choose_target, merged, why_there
from appliance.routing.table import REMOTE, Endpoint, Route, RouteState, Target, on_node

CHAT = frozenset({Ability.CHAT})
ENGINE = Endpoint("127.0.0.1", 1, "key")


def here(state: RouteState = RouteState.READY, slots: int | None = None) -> Target:
    endpoint = ENGINE if state is RouteState.READY else None
    return Target(Route("m", state, CHAT, endpoint=endpoint, slots=slots), state, slots=slots)


def there(node: str, state: RouteState = RouteState.READY, **fields: object) -> Target:
    route = Route("m", RouteState.READY, CHAT, kind=REMOTE, endpoint=on_node(node))
    return Target(route, state, node=node, **fields)  # type: ignore[arg-type]


def chosen(*targets: Target, failed: tuple[Endpoint, ...] = (), before: str | None = None) -> str | None:
    found = choose_target(targets, lambda target: target.busy, failed, before)
    return None if found is None else found.node


def test_this_box_first() -> None:
    """Nothing goes over the network that need not."""
    assert chosen(there("a", rtt_ms=0.0), here()) == ""


def test_then_who_has_the_least_to_do_then_the_nearest() -> None:
    """By the share of its places that are taken."""
    assert chosen(there("a", slots=8, busy=3), there("b", slots=2, busy=1)) == "a"
    assert chosen(there("a", rtt_ms=9.0), there("b", rtt_ms=1.0), there("c", rtt_ms=math.inf)) == "b"


def test_a_free_place_elsewhere_comes_before_the_line_here() -> None:
    """And where nobody has one, the shortest line does."""
    full = Target(here(slots=2).route, RouteState.READY, slots=2, busy=4)
    assert chosen(full, there("a", slots=1)) == "a"
    assert chosen(full, there("a", slots=1, busy=9)) == ""
    assert chosen(full, there("a", slots=4, busy=5)) == "a"


def test_what_is_ready_comes_first_wherever_it_is() -> None:
    """While a model loads or sleeps here, a box that has it answers; one that would have to wake it does not."""
    for state in (RouteState.LOADING, RouteState.SLEEPING, RouteState.AVAILABLE, RouteState.FAILED):
        assert chosen(here(state), there("a")) == "a"
    assert chosen(here(RouteState.SLEEPING), there("a", RouteState.SLEEPING)) == ""
    assert chosen(there("a", RouteState.LOADING), there("b", RouteState.SLEEPING)) == "b"


def test_a_silent_box_comes_last_of_those_that_are_ready() -> None:
    """It may be gone; but a model that is not ready anywhere else is no better."""
    assert chosen(there("a", suspect=True), there("b", busy=99, slots=1)) == "b"
    assert chosen(there("a", suspect=True), there("b", RouteState.LOADING)) == "a"


def test_who_has_failed_is_not_asked_again() -> None:
    """Until nobody is left."""
    assert chosen(here(), there("a"), failed=(ENGINE,)) == "a"
    assert chosen(here(), there("a"), failed=(ENGINE, on_node("a"))) is None


def test_a_conversation_stays_as_long_as_there_is_room() -> None:
    """Its beginning need not be read again there."""
    assert chosen(here(), there("a"), before="a") == "a"
    assert chosen(here(), there("a", slots=1, busy=1), before="a") == ""


def test_a_model_stands_as_it_does_where_it_stands_best() -> None:
    """What it can do is told by this box when it has it: what others say is a claim."""
    elsewhere = there("a")
    route = merged([here(RouteState.FAILED), elsewhere])
    assert (route.state, route.kind, route.endpoint, route.here) == (RouteState.READY, REMOTE, on_node("a"), True)
    assert not merged([elsewhere]).here
    assert merged([elsewhere, here()]).endpoint == ENGINE


def test_why_a_request_goes_elsewhere() -> None:
    """In words for a header."""
    away = there("a")
    told = [why_there(targets) for targets in ([away], [here(), away], [here(RouteState.LOADING), away])]
    assert told == ["not on this box", "busy here", "loading here"]
    assert why_there([here(), away], before=True) == "as before in this conversation"


@given(
    st.lists(
        st.builds(
            there,
            st.text("abc", min_size=1, max_size=3),
            st.sampled_from(RouteState),
            suspect=st.booleans(),
            slots=st.none() | st.integers(1, 64),
            busy=st.integers(0, 10**15),
            rtt_ms=st.floats(0, allow_nan=False),
        ),
        min_size=1,
    ),
    st.randoms(),
)
def test_the_order_in_which_boxes_are_known_means_nothing(targets: list[Target], rng: st.DrawFn) -> None:
    """Nor do numbers of any size break the choice."""
    shuffled = list(targets)
    rng.shuffle(shuffled)  # type: ignore[attr-defined]
    assert chosen(*targets) == chosen(*shuffled)
