"""Where requests can go: what is served, and what a request would load."""

from __future__ import annotations

from dataclasses import replace

from appliance.node.routes import routing_table
from appliance.node.serving import wanted_entries
from appliance.node.snapshot import ChildState, Snapshot
from appliance.routing.table import AUTO, RouteState, RoutingTable
from tests.builders import MODEL_ID, make_child, make_model, make_snapshot, with_child

NOW = 1000.0
MODELS = (make_model(), make_model("mesh-tiny-dense-F16"), make_model("other-Q8_0"))


def table(snapshot: Snapshot) -> RoutingTable:
    return routing_table(wanted_entries(snapshot, NOW), snapshot)


def states(snapshot: Snapshot) -> dict[str, str]:
    return {name: route.state.value for name, route in table(snapshot).routes.items()}


def test_what_only_lies_on_the_disk_can_be_asked_for() -> None:
    """Unless the owner does not want that."""
    snapshot = make_snapshot(models=MODELS)
    assert states(snapshot) == {MODEL_ID: "loading", "mesh-tiny-dense-F16": "available", "other-Q8_0": "available"}
    serving = snapshot.settings.serving.model_copy(update={"on_demand": False})
    off = replace(snapshot, settings=snapshot.settings.model_copy(update={"serving": serving}))
    assert states(off) == {MODEL_ID: "loading"}


def test_nothing_is_loaded_by_chance() -> None:
    """`auto` takes what is served, even when only something else has the ability."""
    snapshot = make_snapshot(models=MODELS)
    found = table(with_child(snapshot, make_child(snapshot))).find(AUTO)
    assert found is not None
    assert found.model == MODEL_ID
    assert table(make_snapshot(wanted=(), models=MODELS)).find(AUTO) is None


def test_a_short_name_means_what_is_served() -> None:
    """Another file of the same model on the disk does not make it ambiguous; its whole name still finds it."""
    found = table(make_snapshot(models=MODELS))
    short, whole, other = (found.find(name) for name in ("mesh-tiny-dense", "mesh-tiny-dense-F16", "other"))
    assert (short and short.model, whole and whole.model) == (MODEL_ID, "mesh-tiny-dense-F16")
    assert other is not None
    assert other.state is RouteState.AVAILABLE


def test_a_request_that_waits_is_told_apart() -> None:
    """A model that loads because of a request is waited for."""
    called = make_snapshot(models=MODELS, called={"other-Q8_0": NOW}, guests=frozenset({"other-Q8_0"}))
    routes = table(called).routes
    assert (routes["other-Q8_0"].state, routes["other-Q8_0"].awaited) == (RouteState.LOADING, True)
    assert not routes[MODEL_ID].awaited


def test_a_route_tells_since_when_it_loads() -> None:
    """Of an engine that fell over the time of the next try; of one that is ready nothing."""
    snapshot = make_snapshot()
    loading = make_child(snapshot, state=ChildState.STARTING)
    failed = replace(make_child(snapshot, state=ChildState.FAILED), retry_at=NOW + 8)
    children = (loading, failed, make_child(snapshot))
    started = [table(with_child(snapshot, child)).routes[MODEL_ID].started for child in children]
    assert started == [loading.since, NOW + 8, None]


def test_a_route_tells_how_far_its_context_may_reach() -> None:
    """What its file has, or less when its owner wants less."""
    snapshot = make_snapshot(models=MODELS)
    serving = snapshot.settings.serving.model_copy(update={"context": 512})
    narrow = replace(snapshot, settings=snapshot.settings.model_copy(update={"serving": serving}))
    reach = [table(one).routes[name].reach for one in (snapshot, narrow) for name in (MODEL_ID, "other-Q8_0")]
    assert reach == [1024, 1024, 512, 512]
