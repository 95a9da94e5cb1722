"""What the box decides from what it knows."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.models.types import BrokenFile, Library
from appliance.node.commands import EndEngine, RunEngine
from appliance.node.decide import decide
from appliance.node.failure import Failure
from appliance.node.serving import ServingState, engine_spec
from appliance.node.snapshot import ChildState, NodeState, Phase, TroubleKind
from appliance.routing.table import RouteState
from tests.builders import MODEL_ID, make_child, make_model, make_snapshot, with_child


def test_a_wanted_model_that_does_not_run_is_started() -> None:
    """What the owner wants is brought about."""
    snapshot = make_snapshot()
    assert decide(snapshot, 0.0).commands == (RunEngine(engine_spec(make_model(), snapshot)),)


def test_what_runs_as_wanted_is_left_alone() -> None:
    """No command is given for nothing."""
    snapshot = make_snapshot()
    assert decide(with_child(snapshot, make_child(snapshot)), 0.0).commands == ()


def test_what_is_no_longer_wanted_is_ended() -> None:
    """A model taken out of the settings goes."""
    snapshot = make_snapshot()
    running = with_child(snapshot, make_child(snapshot))
    unwanted = replace(running, settings=make_snapshot(wanted=()).settings)
    assert decide(unwanted, 0.0).commands == (EndEngine(MODEL_ID),)


def test_a_changed_setting_replaces_the_engine() -> None:
    """Another context length means another process."""
    snapshot = make_snapshot()
    running = with_child(snapshot, make_child(snapshot))
    serving = running.settings.serving.model_copy(update={"context": 512})
    changed = replace(running, settings=running.settings.model_copy(update={"serving": serving}))
    (command,) = decide(changed, 0.0).commands
    assert isinstance(command, RunEngine)
    assert command.spec.context == 512


def test_trying_again_is_a_new_process() -> None:
    """A click on "try again" does not wait for the next pause."""
    snapshot = make_snapshot()
    failed = with_child(snapshot, make_child(snapshot, state=ChildState.FAILED))
    (command,) = decide(replace(failed, attempts={MODEL_ID: 1}), 0.0).commands
    assert command == RunEngine(replace(engine_spec(make_model(), snapshot), attempt=1))


def test_a_box_that_ends_starts_nothing() -> None:
    """Draining closes the doors."""
    decision = decide(make_snapshot(draining=True), 0.0)
    assert (decision.state, decision.commands) == (NodeState.DRAINING, ())


def test_a_short_name_serves_the_model_it_means() -> None:
    """Settings may leave the quantisation out; twice the same model is one entry."""
    decision = decide(make_snapshot(wanted=("mesh-tiny-dense", MODEL_ID)), 0.0)
    assert [entry.model for entry in decision.serving] == [MODEL_ID]


def test_before_the_library_is_known_everything_is_planned() -> None:
    """Nothing is called missing before anybody looked."""
    decision = decide(make_snapshot(library=None), 0.0)
    assert (decision.state, decision.serving[0].state, decision.issues) == (
        NodeState.STARTING,
        ServingState.PLANNED,
        (),
    )


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"state": ChildState.STARTING, "phase": Phase.LOADING}, ServingState.LOADING),
        ({"state": ChildState.STARTING, "phase": Phase.PROBING}, ServingState.PROBING),
        ({"state": ChildState.STARTING, "phase": Phase.LOADING, "restarts": 1}, ServingState.RECOVERING),
        ({"state": ChildState.READY}, ServingState.READY),
        ({"state": ChildState.STOPPING}, ServingState.PLANNED),
        ({"state": ChildState.FAILED, "failure": Failure("crashed", "x")}, ServingState.RECOVERING),
        ({"state": ChildState.FAILED, "failure": Failure("wedged", "x")}, ServingState.RECOVERING),
        ({"state": ChildState.FAILED, "failure": Failure("load_failed", "x")}, ServingState.FAILED),
        ({"state": ChildState.FAILED, "failure": Failure("crash_loop", "x")}, ServingState.FAILED),
        ({"state": ChildState.FAILED, "failure": Failure("wrong_answer", "x")}, ServingState.FAILED),
    ],
)
def test_serving_states_follow_the_engine(fields: dict[str, Any], expected: ServingState) -> None:
    """Each state of the process has its word on the page."""
    snapshot = make_snapshot()
    entry = decide(with_child(snapshot, make_child(snapshot, **fields)), 0.0).serving[0]
    assert entry.state is expected


def test_only_a_ready_engine_gets_a_route_with_an_address() -> None:
    """Requests go where an answer comes from."""
    snapshot = make_snapshot()
    ready = decide(with_child(snapshot, make_child(snapshot)), 0.0).routes.routes[MODEL_ID]
    loading = decide(snapshot, 0.0).routes.routes[MODEL_ID]
    assert (ready.state, ready.endpoint is not None) == (RouteState.READY, True)
    assert (loading.state, loading.endpoint) == (RouteState.LOADING, None)


def test_a_broken_file_fails_with_its_reason() -> None:
    """Who asks for the model is told why it does not answer."""
    library = Library(broken=(BrokenFile("half-Q8_0", "/models/half-Q8_0.gguf", "It is cut short."),))
    decision = decide(make_snapshot(wanted=("half",), library=library), 0.0)
    assert decision.serving[0].failure == Failure("model_broken", "/models/half-Q8_0.gguf: It is cut short.")
    assert decision.routes.find("half") is not None
    assert [issue.id for issue in decision.issues] == ["broken_file:half-Q8_0"]


def test_without_an_engine_nothing_is_started() -> None:
    """A missing engine is told once, not tried every second."""
    decision = decide(make_snapshot(troubles={TroubleKind.ENGINE_MISSING: "no llama-server"}), 0.0)
    assert (decision.commands, decision.state) == ((), NodeState.STANDBY)
    assert [issue.id for issue in decision.issues] == ["engine_missing"]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (ChildState.READY, NodeState.SERVING),
        (ChildState.STARTING, NodeState.LOADING),
    ],
)
def test_the_node_state_sums_up(state: ChildState, expected: NodeState) -> None:
    """One word for the whole box."""
    snapshot = make_snapshot()
    assert decide(with_child(snapshot, make_child(snapshot, state=state)), 0.0).state is expected


def test_a_box_that_serves_nothing_is_on_standby() -> None:
    """Nothing wanted is no trouble."""
    decision = decide(make_snapshot(wanted=()), 0.0)
    assert (decision.state, decision.issues) == (NodeState.STANDBY, ())


def test_a_ready_engine_outlives_the_sight_of_its_file() -> None:
    """A network share that is away for a moment ends no answers."""
    snapshot = make_snapshot()
    gone = replace(with_child(snapshot, make_child(snapshot)), library=Library(unreadable="It is not there."))
    decision = decide(gone, 0.0)
    assert decision.commands == ()
    assert decision.routes.routes[MODEL_ID].state is RouteState.READY


def test_another_file_under_the_same_name_is_another_engine() -> None:
    """Replacing the file is enough to have the new one served."""
    snapshot = make_snapshot()
    replaced = replace(
        with_child(snapshot, make_child(snapshot)), library=Library(models=(make_model(size=make_model().size + 1),))
    )
    (command,) = decide(replaced, 0.0).commands
    assert isinstance(command, RunEngine)
