"""What changed, as events."""

from __future__ import annotations

import json

from appliance.models.types import Ability
from appliance.proxy.news.told import Shown, frame, model_events, shown
from appliance.routing.table import Route, RouteState

TALKS = frozenset({Ability.CHAT})


def route(state: RouteState, **fields: object) -> Route:
    return Route("m", state, TALKS, **fields)  # type: ignore[arg-type]


def test_who_begins_to_listen_is_told_how_things_are() -> None:
    """Every model, by name."""
    now = {"b": Shown("ready"), "a": Shown("sleeping")}
    assert [name for name, _ in model_events({}, now)] == ["model.sleeping", "model.ready"]


def test_only_what_changed_is_told() -> None:
    """A model that is as before is left out; one that went is gone."""
    before = {"a": Shown("ready"), "b": Shown("loading", 10), "c": Shown("ready")}
    now = {"a": Shown("ready"), "b": Shown("loading", 20)}
    assert list(model_events(before, now)) == [
        ("model.loading", {"model": "b", "state": "loading", "progress": 0.2, "reason": None}),
        ("model.gone", {"model": "c", "state": "gone", "progress": None, "reason": None}),
    ]


def test_what_of_a_route_is_shown() -> None:
    """Progress in whole percents while it loads, the reason when it failed; nothing of where it runs."""
    routes = {
        "loading": route(RouteState.LOADING, progress=0.1234, reason="x"),
        "failed": route(RouteState.FAILED, progress=0.5, reason="The file is cut short."),
        "ready": route(RouteState.READY, progress=1.0),
    }
    assert shown(routes) == {
        "loading": Shown("loading", 12),
        "failed": Shown("failed", reason="The file is cut short."),
        "ready": Shown("ready"),
    }


def test_an_event_is_one_frame() -> None:
    """Whatever is in it, no line of it can be taken for the end."""
    name, data, *rest = frame("model.ready", {"model": "a\n\nevent: x"}, 1000.5).decode().split("\n")
    assert (name, rest) == ("event: model.ready", ["", ""])
    assert json.loads(data.removeprefix("data: ")) == {
        "type": "model.ready",
        "at": "1970-01-01T00:16:40.500Z",
        "model": "a\n\nevent: x",
    }
