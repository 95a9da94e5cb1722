"""The life of one engine process as a state machine: facts and the time in, actions out.

stopped -> starting (loading, probing) -> ready -> stopping -> stopped, and failed with a time to try again.
A process that ends on its own is started again after a growing pause; one that never gets ready, or keeps
falling over, is called by its name (`load_failed`, `crash_loop`) and tried at long intervals.
"""

from __future__ import annotations

import signal
from dataclasses import dataclass
from enum import Enum, auto

from appliance.hardware.engine_layout import Attempts, Layout
from appliance.node.failure import Failure
from appliance.node.snapshot import Child, ChildState, EngineSpec, Phase
from appliance.routing.table import Endpoint

MEMORY_STEP = 64 << 20


class Action(Enum):
    SPAWN = auto()
    PROBE = auto()
    TERMINATE = auto()
    KILL = auto()


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds and counts that shape a life."""

    silent_load: float = 120.0  # loading or probing without any sign of life
    stop_grace: float = 1.5  # from TERM to KILL: the box has promised to be gone 2 s after its last answer
    stable_after: float = 60.0  # ready for so long: earlier failures are forgiven
    first_pause: float = 0.5
    longest_pause: float = 300.0
    loop_after: int = 4  # failures in a row that make a crash loop
    busy_grace: float = 10.0  # a process that burns time but counts nothing may do so this many times longer


class Lifecycle:
    def __init__(self, spec: EngineSpec, silent_after: float, limits: Limits | None = None) -> None:
        self.spec = spec
        self.silent_after = silent_after
        self._limits = limits or Limits()
        self.state = ChildState.STOPPED
        self.retry_at: float | None = None
        self._since = 0.0
        self._phase: Phase | None = None
        self._progress: float | None = None
        self._pid: int | None = None
        self._endpoint: Endpoint | None = None
        self._failure: Failure | None = None
        self._pending: Failure | None = None  # why we ended it ourselves; told when it is gone
        self._failures_in_a_row = 0
        self._restarts = 0
        self._context: int | None = None
        self._answer_ms: float | None = None
        self._anonymous = 0
        self._attempts = Attempts()  # to lay the model out
        self._sign_at = 0.0  # last sign of life of any kind
        self._count_at = 0.0  # last time that counted work went on
        self._stop_at: float | None = None

    def start(self, now: float) -> list[Action]:
        self._enter(ChildState.STARTING, now)
        self._phase, self._progress, self.retry_at = Phase.LOADING, None, None
        self._attempts = Attempts()
        return [Action.SPAWN]

    def spawned(self, pid: int, endpoint: Endpoint, now: float) -> None:
        self._pid, self._endpoint = pid, endpoint
        self.lived(now)

    def spawn_failed(self, detail: str, now: float) -> None:
        self._fail(Failure("engine_missing", detail), now)

    def loading(self, progress: float, now: float) -> None:
        self._progress = min(1.0, max(0.0, progress))
        self.lived(now)

    def laid_out(self, layout: Layout, now: float) -> None:
        """It says the same once more when it ends; by then it does not matter any more."""
        if self.state is ChildState.STARTING:
            self._attempts = self._attempts.then(layout)
        self.lived(now)

    def loaded(self, context: int | None, now: float) -> list[Action]:
        if self.state is not ChildState.STARTING:
            return []
        self._phase, self._progress, self._context = Phase.PROBING, None, context
        self.lived(now)
        return [Action.PROBE]

    def probed(self, answer_ms: float, now: float) -> None:
        if self.state is ChildState.STARTING:
            self._answer_ms = answer_ms
            self._phase = None
            self._enter(ChildState.READY, now)

    def probe_failed(self, failure: Failure, now: float) -> list[Action]:
        return self._give_up(failure, now) if self.state is ChildState.STARTING else []

    def weighed(self, anonymous: int) -> None:
        """How much memory it holds, in steps: small changes are no news."""
        self._anonymous = anonymous // MEMORY_STEP * MEMORY_STEP

    def lived(self, now: float) -> None:
        """Something was heard of the process, or it used processor time."""
        self._sign_at = now

    def worked(self, now: float) -> None:
        """Its counters of work moved."""
        self._sign_at = self._count_at = now

    def stop(self, now: float) -> list[Action]:
        if self.state in (ChildState.STARTING, ChildState.READY) and self._pid is not None:
            self._stop_at = now
            self._enter(ChildState.STOPPING, now)
            return [Action.TERMINATE]
        if self._pid is None:
            self._enter(ChildState.STOPPED, now)
        return []

    def tick(self, now: float, *, busy: bool) -> list[Action]:
        """Looks at the clock; `busy` says whether somebody waits for an answer."""
        if self.state is ChildState.STOPPING and self._stop_at is not None:
            return [Action.KILL] if now - self._stop_at >= self._limits.stop_grace else []
        if self._pending is not None:
            return []
        if self.state is ChildState.STARTING and now - self._sign_at >= self._limits.silent_load:
            detail = f"Nothing was heard of it for {self._limits.silent_load:.0f} seconds while it was {self._phase}."
            return self._give_up(Failure("load_timeout", detail), now)
        if self.state is ChildState.READY:
            return self._watch_ready(now, busy=busy)
        if self.state is ChildState.FAILED and self.retry_at is not None and now >= self.retry_at:
            self._restarts += 1
            return self.start(now)
        return []

    def _watch_ready(self, now: float, *, busy: bool) -> list[Action]:
        if self._failures_in_a_row and now - self._since >= self._limits.stable_after:
            self._failures_in_a_row, self._failure = 0, None
        if not busy:
            self._sign_at = self._count_at = now
        silent, idle = now - self._sign_at, now - self._count_at
        if silent < self.silent_after and idle < self.silent_after * self._limits.busy_grace:
            return []
        detail = f"It had requests to answer and made no progress for {max(silent, idle):.0f} seconds."
        return self._give_up(Failure("wedged", detail), now)

    def exited(self, code: int, log_tail: tuple[str, ...], now: float) -> None:
        """The process is gone; `code` is negative for a signal."""
        was, pending = self.state, self._pending
        self._pid = self._endpoint = self._pending = self._stop_at = None
        self._anonymous = 0
        if was is ChildState.STOPPING:
            self._enter(ChildState.STOPPED, now)
            return
        if pending is not None:
            self._fail(Failure(pending.code, pending.detail, log_tail), now)
            return
        code_name = "crashed" if was is ChildState.READY or not self._failures_in_a_row else "load_failed"
        self._fail(Failure(code_name, describe_exit(code), log_tail), now)

    def _give_up(self, failure: Failure, now: float) -> list[Action]:
        self._pending = failure
        self.lived(now)
        return [Action.KILL]

    def _fail(self, failure: Failure, now: float) -> None:
        self._failures_in_a_row += 1
        count, limits = self._failures_in_a_row, self._limits
        if count >= limits.loop_after and failure.code in ("crashed", "wedged"):
            failure = Failure("crash_loop", f"{failure.detail} This was failure {count} in a row.", failure.log_tail)
        self._failure, self._phase, self._progress = failure, None, None
        self.retry_at = now + min(limits.longest_pause, limits.first_pause * 2 ** (count - 1))
        self._enter(ChildState.FAILED, now)

    def _enter(self, state: ChildState, now: float) -> None:
        self.state, self._since = state, now
        self._sign_at = self._count_at = now

    def child(self, wall_offset: float) -> Child:
        """How it stands, for the snapshot; times are moved to the wall clock."""
        return Child(
            spec=self.spec,
            state=self.state,
            since=self._since + wall_offset,
            phase=self._phase,
            progress=self._progress,
            pid=self._pid,
            endpoint=self._endpoint if self.state is ChildState.READY else None,
            restarts=self._restarts,
            failure=self._failure,
            retry_at=None if self.retry_at is None else self.retry_at + wall_offset,
            context=self._context,
            answer_ms=self._answer_ms,
            anonymous=self._anonymous,
            laid_out=self._attempts.layout,
        )


def describe_exit(code: int) -> str:
    """How a process ended, in words."""
    if code >= 0:
        return f"The engine ended with exit code {code}."
    name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
    if name == "SIGKILL":
        return "The engine was killed (SIGKILL): often the system ran out of memory."
    return f"The engine ended by {name}."
