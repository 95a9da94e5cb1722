"""The look every five seconds, and requests as they end."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import aiohttp
import pytest

from appliance.activity.recorder import LATEST, Recorder, Sources
from appliance.activity.series import RANGES, History
from appliance.activity.store import ActivityStore
from appliance.hardware.types import Inventory
from appliance.node.snapshot import Child, RequestLoad
from appliance.storage.database import Database
from tests.builders import INVENTORY, make_child, make_snapshot
from tests.fakes.upstream import answer, fake_upstream, says_nothing, sends
from tests.unit.activity.builders import NOON, ended, gpu


@dataclass
class Machine:
    """What the recorder looks at, and its clocks."""

    now: float = NOON
    ticks: float = 100.0
    load: RequestLoad = field(default_factory=RequestLoad)
    peak: int = 0
    waiting: int = 0
    children: dict[str, Child] = field(default_factory=dict)
    inventory: Inventory | None = INVENTORY
    used: dict[int, float] = field(default_factory=dict)
    keep_days: int = 14
    settle: Callable[[], None] = lambda: None

    def sources(self) -> Sources:
        return Sources(
            load=lambda: self.load,
            peak=lambda: self.peak,
            waiting_for=lambda _: self.waiting,
            children=lambda: self.children,
            inventory=lambda: self.inventory,
            processor_seconds=self.used.get,
            keep_days=lambda: self.keep_days,
            settle=lambda: self.settle(),  # noqa: PLW0108 - set below
        )

    def passes(self, seconds: float) -> None:
        self.now += seconds
        self.ticks += seconds


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    one = Database(tmp_path / "state.db")
    await one.open()
    yield one
    await one.close()


@pytest.fixture
def machine() -> Machine:
    return Machine()


@pytest.fixture
def recorder(machine: Machine, database: Database) -> Recorder:
    return Recorder(machine.sources(), ActivityStore(database), lambda: machine.now, lambda: machine.ticks)


async def look(recorder: Recorder, machine: Machine, seconds: float = 5.0) -> None:
    machine.passes(seconds)
    async with aiohttp.ClientSession() as session:
        await recorder.look(session)


async def test_a_look_books_the_time_before_it(recorder: Recorder, machine: Machine) -> None:
    """Load, memory, GPUs, processor: of the five seconds that just ended."""
    child = make_child(make_snapshot(), pid=7)
    machine.children = {child.spec.model: child}
    machine.inventory = replace(INVENTORY, gpus=(gpu(power=360.0),))
    machine.load, machine.peak, machine.used[7] = RequestLoad(in_flight=1, queued=2), 3, 10.0
    await look(recorder, machine)
    machine.used[7] = 20.0
    await look(recorder, machine)
    one = recorder.history.window(RANGES[0], machine.now).bins[-1]
    assert one is not None
    assert (one.watched, one.in_flight, one.queued, one.memory.value) == (10, 3, 2, 8 << 30)
    assert (one.processor.value, one.gauge("pci:0", "power")) == (0.25, 360)
    assert one.energy == pytest.approx(1.0)
    assert recorder.version == 2


async def test_a_machine_that_slept_was_not_watched(recorder: Recorder, machine: Machine) -> None:
    """An hour in one look is not an hour of power."""
    machine.inventory = replace(INVENTORY, gpus=(gpu(power=1000.0),))
    await look(recorder, machine, 3600)
    assert recorder.history.since(0, machine.now).watched == 15


async def test_a_clock_that_jumps_is_no_trouble(recorder: Recorder, machine: Machine) -> None:
    """Time is measured by the other clock."""
    for jump in (86400 * 365, -86400 * 365, -5):
        machine.now += jump
        await look(recorder, machine)
    assert recorder.history.quarters.begins(0) is not None
    assert sum(one.watched for one in recorder.history.quarters) == 15


async def test_tokens_of_running_answers_are_seen(recorder: Recorder, machine: Machine) -> None:
    """Before anybody tells them; and only engines at work are asked."""
    first, second = (
        answer(b'[{"is_processing":true,"id_task":1,"next_token":[{"n_decoded":%d}]}]' % made) for made in (40, 90)
    )
    async with fake_upstream(sends(first), sends(second)) as engine:
        child = make_child(make_snapshot(), endpoint=engine.endpoint)
        machine.children = {child.spec.model: child}
        await look(recorder, machine)
        asked_while_idle = len(engine.requests)
        machine.waiting = 1
        await look(recorder, machine)
        await look(recorder, machine)
    assert (asked_while_idle, recorder.speed, recorder.history.since(0, machine.now).decoded) == (0, 10.0, 90)
    assert b"Authorization: Bearer fake-key" in engine.requests[0]


async def test_an_engine_that_does_not_answer_holds_nothing_up(recorder: Recorder, machine: Machine) -> None:
    """The look goes on without it."""
    async with fake_upstream(says_nothing) as engine:
        child = make_child(make_snapshot(), endpoint=engine.endpoint)
        machine.children, machine.waiting = {child.spec.model: child}, 1
        await look(recorder, machine)
    assert (recorder.version, recorder.speed) == (1, 0.0)


async def test_an_ended_request_is_everywhere_at_once(recorder: Recorder, machine: Machine) -> None:
    """History, totals, and the latest, the newest first and not without end."""
    for number in range(LATEST + 5):
        recorder.request_ended(ended(machine.now, id=f"req-{number}", tokens_out=2))
    assert (len(recorder.latest), recorder.latest[0].id) == (LATEST, f"req-{LATEST + 4}")
    assert recorder.totals.models()["m"].tokens_out == 2 * (LATEST + 5)
    assert recorder.history.since(0, machine.now).answered == LATEST + 5


async def test_it_is_stored_once_a_minute(recorder: Recorder, machine: Machine, database: Database) -> None:
    """Not more often: every write wears the disk."""

    async def stored() -> int:
        history = History()
        await ActivityStore(database).load(history, machine.now)
        return history.since(0, machine.now).answered

    recorder.request_ended(ended(machine.now))
    await look(recorder, machine, 55)
    before = await stored()
    await look(recorder, machine, 5)
    after = await stored()
    recorder.request_ended(ended(machine.now))
    await look(recorder, machine, 5)
    soon_after = await stored()
    await recorder.save()
    assert (before, after, soon_after, await stored()) == (0, 1, 1, 2)


async def test_who_watches_is_told_of_each_look(recorder: Recorder, machine: Machine) -> None:
    """At once where things stand, then each time; a slow one misses only what lies between."""
    seen = recorder.watch()
    first = await anext(seen)
    await look(recorder, machine)
    await look(recorder, machine)
    assert (first, await anext(seen)) == (0, 2)


def test_whoever_reads_finds_what_ended_just_now(recorder: Recorder, machine: Machine) -> None:
    """Requests are told some time after they ended, or when somebody wants to know."""
    machine.settle = lambda: recorder.requests_ended([ended(id="last")])
    assert [one.id for one in recorder.latest] == ["last"]
    assert recorder.history.asked_ever()
