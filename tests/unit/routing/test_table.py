"""Which model a name means."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.models.types import Ability, Capability
from appliance.routing.table import AUTO, Endpoint, Route, RouteState, RoutingTable

CHAT, EMBED = frozenset({Ability.CHAT}), frozenset({Ability.EMBEDDING})


def route(model: str, state: RouteState = RouteState.READY, abilities: frozenset[Ability] = CHAT) -> Route:
    return Route(model, state, abilities)


def table(*routes: Route) -> RoutingTable:
    return RoutingTable({r.model: r for r in routes})


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("big-Q8_0", "big-Q8_0"),
        ("BIG-q8_0", "big-Q8_0"),
        ("big-Q8_0:latest", "big-Q8_0"),
        ("small", "small-Q4_K_M"),
        ("big", None),
        ("bigger", None),
        ("", None),
    ],
)
def test_names(name: str, found: str | None) -> None:
    """Exact, in any case, `:latest`, or without quantisation when that is unambiguous; else nothing."""
    there = table(route("big-Q8_0"), route("big-F16"), route("small-Q4_K_M")).find(name)
    assert (there.model if there else None) == found


def test_a_named_model_is_found_in_any_state() -> None:
    """Never another model in its place."""
    loading = route("a", RouteState.LOADING)
    assert table(loading, route("b")).find("a") == loading


@pytest.mark.parametrize("name", [None, AUTO])
def test_auto_prefers_what_is_ready(name: str | None) -> None:
    """Ready before loading before failed, then by name."""
    routes = table(route("a", RouteState.FAILED), route("b", RouteState.LOADING), route("d"), route("c"))
    assert routes.find(name) == route("c")


def test_auto_takes_only_who_is_able() -> None:
    """A ready chat model does not embed; a loading embedding model will."""
    routes = table(route("chat"), route("embed", RouteState.LOADING, EMBED))
    assert routes.find(AUTO, Ability.EMBEDDING) == route("embed", RouteState.LOADING, EMBED)
    assert routes.find(AUTO, Ability.RERANK) is None


def test_near_names_are_offered() -> None:
    """What may have been meant, nearest first."""
    assert table(route("mesh-tiny-dense-Q8_0"), route("other")).nearest("mesh-tiny-dens") == ["mesh-tiny-dense-Q8_0"]


def test_an_engine_key_is_never_shown() -> None:
    """Not even in a log line that prints the whole table."""
    assert "secret" not in repr(Route("m", RouteState.READY, CHAT, endpoint=Endpoint("h", 1, "secret")))


def test_auto_is_shown_with_all_that_it_may_lead_to() -> None:
    """What any model that it chooses from is sure to take, and the longest context; not what only lies on the disk."""
    sees = replace(route("b"), modalities=("text", "image"), context=100, skills=frozenset({Capability.TOOLS}))
    hears = replace(route("c", RouteState.SLEEPING), modalities=("text", "audio"), context=None)
    disk = replace(route("d", RouteState.AVAILABLE), modalities=("text", "smell"), context=9000)
    failed = replace(route("e", RouteState.FAILED), context=9000)
    there = table(replace(route("a"), context=50), sees, hears, disk, failed, route("f", RouteState.LOADING, EMBED))
    found = there.shown(AUTO)
    assert found is not None
    assert (found.state, found.context, found.skills) == (RouteState.READY, 100, frozenset({Capability.TOOLS}))
    assert found.modalities == ("text", "image", "audio")
    assert found.abilities == CHAT | EMBED
    assert there.shown("b") == sees
