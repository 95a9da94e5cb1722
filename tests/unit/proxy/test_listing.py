"""The model list."""

from __future__ import annotations

from appliance.models.types import Ability
from appliance.node.snapshot import NodeFacts
from appliance.proxy.listing import model_entry, model_list
from appliance.routing.table import Route, RouteState, RoutingTable

NODE = NodeFacts(id="n1", version="1", flavor="cpu", started_at=1_700_000_000.5, api_port=1, web_port=2)


def route(model: str, state: RouteState = RouteState.READY, context: int | None = 1024) -> Route:
    return Route(model, state, frozenset({Ability.CHAT, Ability.COMPLETION}), context=context)


def table(*routes: Route) -> RoutingTable:
    return RoutingTable({r.model: r for r in routes})


def test_an_entry() -> None:
    """All that clients look for, once."""
    assert model_entry(route("m"), NODE) == {
        "id": "m",
        "object": "model",
        "created": 1_700_000_000,
        "owned_by": "meshbox",
        "type": "model",
        "display_name": "m",
        "created_at": "2023-11-14T22:13:20Z",
        "status": "ready",
        "context_length": 1024,
        "max_model_len": 1024,
        "meta": {"n_ctx": 1024},
        "meshbox": {
            "status": "ready",
            "context_length": 1024,
            "modalities": ["text"],
            "abilities": ["chat", "completion"],
            "kind": "solo",
            "served_by": ["n1"],
            "progress": None,
            "reason": None,
        },
    }


def test_an_unknown_context_is_left_out() -> None:
    """While a model loads nobody knows its context; clients are not told null."""
    assert "context_length" not in model_entry(route("m", RouteState.LOADING, None), NODE)


def test_the_list_is_sorted_and_knows_auto() -> None:
    """Models by name, `auto` behind them, failed ones left out; the ends stand as Anthropic has them."""
    listed = model_list(table(route("b"), route("c", RouteState.FAILED), route("a", RouteState.LOADING)), NODE)
    assert [(entry["id"], entry["status"]) for entry in listed["data"]] == [
        ("a", "loading"),
        ("b", "ready"),
        ("auto", "ready"),
    ]
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == ("a", "auto", False)


def test_an_empty_box_lists_nothing() -> None:
    """No model, no `auto`."""
    failed = table(route("a", RouteState.FAILED))
    assert [model_list(t, NODE)["data"] for t in (RoutingTable(), failed)] == [[], []]
