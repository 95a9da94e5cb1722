"""The model list."""

from __future__ import annotations

from dataclasses import replace

from appliance.models.types import Ability
from appliance.node.snapshot import NodeFacts
from appliance.proxy.listing import model_entry, model_list
from appliance.routing.places import merged
from appliance.routing.table import Route, RouteState, RoutingTable, Target

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
            "skills": [],
            "kind": "solo",
            "served_by": ["n1"],
            "nodes": [{"id": "n1", "name": None, "status": "ready", "context_length": 1024}],
            "progress": None,
            "reason": None,
        },
    }


def test_a_model_of_several_boxes() -> None:
    """Where it stands how, the box that would be asked first in front."""
    there = route("m", context=4096)
    shared = merged(
        [Target(route("m", RouteState.LOADING, None), RouteState.LOADING), Target(there, there.state, "n2", "den")]
    )
    entry = model_entry(shared, NODE)
    assert (entry["status"], entry["meshbox"]["served_by"]) == ("ready", ["n2", "n1"])
    assert entry["meshbox"]["nodes"] == [
        {"id": "n2", "name": "den", "status": "ready", "context_length": 4096},
        {"id": "n1", "name": None, "status": "loading", "context_length": None},
    ]


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


def test_auto_shows_what_it_may_lead_to() -> None:
    """A client that looks whether it may send pictures is told so when any model here sees."""
    sees = replace(route("b", context=2048), modalities=("text", "image"))
    listed = model_list(table(route("a"), sees), NODE)["data"]
    assert [(e["id"], e["context_length"], e["meshbox"]["modalities"]) for e in listed] == [
        ("a", 1024, ["text"]),
        ("b", 2048, ["text", "image"]),
        ("auto", 2048, ["text", "image"]),
    ]
