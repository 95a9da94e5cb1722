"""The life of one engine process, step by step, with the clock in hand."""

from __future__ import annotations

import pytest

from appliance.hardware.engine_layout import HOST, Lain
from appliance.models.types import Ability
from appliance.node.failure import Failure
from appliance.node.snapshot import ChildState, EngineSpec, Phase
from appliance.routing.table import Endpoint
from appliance.supervisor.lifecycle import Action, Lifecycle, Limits, describe_exit

SPEC = EngineSpec("m", "/m.gguf", frozenset({Ability.CHAT}))
ENDPOINT = Endpoint("127.0.0.1", 4000, "key")


def started(now: float = 0.0, limits: Limits | None = None) -> Lifecycle:
    life = Lifecycle(SPEC, silent_after=30, limits=limits)
    assert life.start(now) == [Action.SPAWN]
    life.spawned(77, ENDPOINT, now)
    return life


def ready(now: float = 0.0, limits: Limits | None = None) -> Lifecycle:
    life = started(now, limits)
    life.loaded(1024, now)
    life.probed(5.0, now)
    return life


def test_a_loaded_engine_is_probed_before_it_is_ready() -> None:
    """Ready means that a question was answered, not that a port is open."""
    life = started()
    assert life.loaded(2048, 1.0) == [Action.PROBE]
    assert (life.child(0).state, life.child(0).phase) == (ChildState.STARTING, Phase.PROBING)
    life.probed(12.5, 2.0)
    child = life.child(0)
    assert (child.state, child.context, child.answer_ms, child.endpoint) == (ChildState.READY, 2048, 12.5, ENDPOINT)


def test_the_endpoint_is_hidden_until_ready() -> None:
    """Nobody can be routed to an engine that is not ready."""
    assert started().child(0).endpoint is None


def test_load_progress_is_shown_and_bounded() -> None:
    """Progress stays between 0 and 1 whatever the engine says."""
    life = started()
    life.loading(1.7, 1.0)
    assert life.child(0).progress == 1.0


def test_a_wrong_answer_ends_the_engine_and_is_named() -> None:
    """An engine that computes nonsense is never offered."""
    life = started()
    life.loaded(None, 1.0)
    assert life.probe_failed(Failure("wrong_answer", "5"), 2.0) == [Action.KILL]
    life.exited(-9, ("last line",), 2.1)
    assert life.child(0).failure == Failure("wrong_answer", "5", ("last line",))
    assert life.state is ChildState.FAILED


def test_a_crash_is_retried_after_a_pause() -> None:
    """A failed engine starts again by itself, and counts as restarted."""
    life = ready()
    life.exited(-6, (), 10.0)
    assert life.tick(10.4, busy=False) == []
    assert life.tick(10.5, busy=False) == [Action.SPAWN]
    assert life.child(0).restarts == 1


def test_pauses_grow_up_to_a_limit() -> None:
    """Failure after failure is tried less and less often."""
    life, now, pauses = started(), 0.0, []
    for _ in range(12):
        life.exited(1, (), now)
        assert life.retry_at is not None
        pauses.append(life.retry_at - now)
        now = life.retry_at
        life.tick(now, busy=False)
        life.spawned(77, ENDPOINT, now)
    assert pauses[:4] == [0.5, 1.0, 2.0, 4.0]
    assert pauses[-1] == Limits().longest_pause


def test_failing_to_load_twice_is_called_by_its_name() -> None:
    """One failed start may be bad luck; a second says that the model does not load."""
    life = started()
    life.exited(1, (), 0.0)
    first = life.child(0).failure
    life.tick(1.0, busy=False)
    life.spawned(78, ENDPOINT, 1.0)
    life.exited(1, (), 1.5)
    second = life.child(0).failure
    assert first is not None
    assert second is not None
    assert (first.code, second.code) == ("crashed", "load_failed")


def test_crashes_in_a_row_make_a_crash_loop() -> None:
    """Falling over again and again is seen as one trouble."""
    life, now = ready(), 0.0
    for _ in range(Limits().loop_after):
        life.exited(-11, (), now)
        assert life.retry_at is not None
        now = life.retry_at
        life.tick(now, busy=False)
        life.spawned(77, ENDPOINT, now)
        life.loaded(None, now)
        life.probed(1.0, now)
    failure = life.child(0).failure
    assert failure is not None
    assert failure.code == "crash_loop"


def test_a_long_quiet_run_forgives_old_failures() -> None:
    """An engine that ran well for a while starts with a clean slate."""
    life = ready()
    life.exited(-11, (), 0.0)
    life.tick(0.5, busy=False)
    life.spawned(78, ENDPOINT, 0.5)
    life.loaded(None, 0.5)
    life.probed(1.0, 0.5)
    life.tick(61.0, busy=False)
    assert life.child(0).failure is None
    life.exited(-11, (), 62.0)
    assert life.retry_at == 62.5


def test_silence_with_work_is_a_wedge() -> None:
    """An engine that owes answers and shows no sign of life for 30 seconds is ended and started again."""
    life = ready()
    assert life.tick(29.9, busy=True) == []
    assert life.tick(30.0, busy=True) == [Action.KILL]
    life.exited(-9, (), 30.1)
    failure = life.child(0).failure
    assert failure is not None
    assert failure.code == "wedged"


@pytest.mark.parametrize("sign", ["lived", "worked"])
def test_signs_of_work_keep_a_busy_engine_alive(sign: str) -> None:
    """A long prompt on a slow processor is not a wedge."""
    life = ready()
    life.tick(20.0, busy=True)
    getattr(life, sign)(20.0)
    assert life.tick(45.0, busy=True) == []


def test_burning_time_without_counting_is_a_wedge_in_the_end() -> None:
    """A process that spins for ever does not pass for a working one."""
    life = ready()
    for second in range(0, 300, 10):
        life.lived(float(second))
        assert life.tick(float(second), busy=True) == []
    life.lived(300.0)
    assert life.tick(300.0, busy=True) == [Action.KILL]


def test_an_idle_engine_may_be_silent() -> None:
    """Without work there is nothing to show."""
    life = ready()
    assert life.tick(10_000.0, busy=False) == []
    assert life.tick(10_029.0, busy=True) == []


def test_a_silent_load_is_ended() -> None:
    """A load that neither speaks nor computes does not block the model for ever."""
    life = started()
    assert life.tick(119.0, busy=False) == []
    assert life.tick(120.0, busy=False) == [Action.KILL]
    assert life.tick(121.0, busy=False) == []
    life.exited(-9, (), 121.0)
    failure = life.child(0).failure
    assert failure is not None
    assert failure.code == "load_timeout"


def test_stop_asks_first_and_kills_later() -> None:
    """A stopped engine gets a moment to end by itself."""
    life = ready()
    assert life.stop(100.0) == [Action.TERMINATE]
    assert life.tick(101.4, busy=False) == []
    assert life.tick(101.5, busy=False) == [Action.KILL]
    life.exited(-9, (), 101.6)
    assert (life.state, life.child(0).failure) == (ChildState.STOPPED, None)


def test_stopping_a_failed_engine_takes_no_signal() -> None:
    """There is no process to signal while it waits for its next try."""
    life = ready()
    life.exited(-11, (), 0.0)
    assert life.stop(0.1) == []
    assert life.state is ChildState.STOPPED


def test_a_spawn_that_fails_is_a_failure_with_a_next_try() -> None:
    """A missing program is told, not raised."""
    life = Lifecycle(SPEC, 30)
    life.start(0.0)
    life.spawn_failed("no such file", 0.0)
    assert life.child(0).failure == Failure("engine_missing", "no such file")
    assert life.retry_at == 0.5


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (1, "The engine ended with exit code 1."),
        (-6, "The engine ended by SIGABRT."),
        (-9, "The engine was killed (SIGKILL): often the system ran out of memory."),
    ],
)
def test_exits_are_told_in_words(code: int, words: str) -> None:
    """A person reads how the engine ended."""
    assert describe_exit(code) == words


def test_where_it_lies_is_what_it_said_last_while_it_loaded() -> None:
    """What it says when it ends does not matter any more; a new process says it anew."""
    life = started()
    life.laid_out((Lain("CUDA0", 90, 95),), 0.1)
    life.laid_out((Lain("CUDA0", 50, 55), Lain(HOST, 40, 42)), 0.2)
    life.loaded(1024, 1.0)
    life.probed(5.0, 1.1)
    life.laid_out((Lain("CUDA0", 1, 1),), 2.0)
    assert life.child(0).laid_out == (Lain("CUDA0", 50, 55), Lain(HOST, 40, 42))
    life.exited(1, (), 3.0)
    assert life.retry_at is not None
    life.tick(life.retry_at, busy=False)
    assert life.child(0).laid_out == ()
