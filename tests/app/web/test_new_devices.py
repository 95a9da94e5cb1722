"""New devices are tested by themselves, with an engine double where a GPU is needed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance.hardware.trials import PROCESSOR
from appliance.jobs import new_devices
from appliance.jobs.new_devices import NewDevices
from appliance.node.events import LoadMeasured
from appliance.node.jobs import JobState
from appliance.node.snapshot import RequestLoad
from appliance.tasks import TaskGroup
from tests.app.web.harness import Web, running_web
from tests.app.web.test_gpus import CARD, LITTLE, look, until
from tests.builders import make_snapshot
from tests.fakes.engine import FakeEngine, make_engine
from tests.gpu_boxes import machine, nvidia

ONE, TWO = nvidia(0x41, 1), nvidia(0x65, 2)


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(new_devices, "LOOK_SECONDS", 0.02)


@pytest.fixture
def engine(tmp_path: Path) -> FakeEngine:
    return make_engine(tmp_path / "engine", f"CUDA0: {CARD}", f"CUDA1: {CARD}")


@asynccontextmanager
async def watched(folder: Path, engine: FakeEngine) -> AsyncIterator[Web]:
    """A box with one card that looks for new devices all the time."""
    async with running_web(folder, make_snapshot(inventory=machine(ONE, memory=LITTLE)), engine=engine.folder) as web:
        tasks = TaskGroup()
        tasks.start("test new devices", NewDevices(web.loop, web.trials, quiet_seconds=0.0).run())
        await look(web, engine)
        try:
            yield web
        finally:
            await tasks.close()


def known(web: Web) -> set[str]:
    return {device for device, trial in web.loop.outlook.snapshot.trials.items() if trial.self_test}


def started(engine: FakeEngine) -> int:
    return sum("--port" in str(call["arguments"]) for call in engine.calls())


async def test_every_device_is_tested_once(tmp_path: Path, engine: FakeEngine) -> None:
    """Also a card that is put in later; what was tested stays so over a restart."""
    async with watched(tmp_path, engine) as web:
        await until(web, lambda o: known(web) == {ONE.id, PROCESSOR})
        await look(web, engine, machine(ONE, TWO, memory=LITTLE))
        await until(web, lambda o: known(web) == {ONE.id, TWO.id, PROCESSOR})
        assert all(job.state is JobState.DONE for job in web.trials.jobs().values() if job.ended)
    assert started(engine) == 3
    async with watched(tmp_path, engine) as web:
        await look(web, engine, machine(ONE, TWO, memory=LITTLE))
        await until(web, lambda o: known(web) == {ONE.id, TWO.id, PROCESSOR})
    assert started(engine) == 3


async def test_a_wrong_answer_becomes_a_card_without_anybody_asking(tmp_path: Path, engine: FakeEngine) -> None:
    """And is not asked for again and again."""
    engine.answers("8")
    async with watched(tmp_path, engine) as web:
        await until(web, lambda o: {f"wrong_gpu:{ONE.id}", "wrong_gpu:cpu"} <= {i.id for i in o.decision.issues})
    assert started(engine) == 2


async def test_it_gives_way_to_people(tmp_path: Path, engine: FakeEngine) -> None:
    """The test ends at once when somebody asks a model something, and is made up for later."""
    engine.answers("silence")
    async with watched(tmp_path, engine) as web:
        await until(web, lambda o: any(job.state is JobState.RUNNING for job in o.snapshot.jobs.values()))
        web.post(LoadMeasured(RequestLoad(in_flight=1)))
        await until(web, lambda o: any(job.state is JobState.CANCELLED for job in o.snapshot.jobs.values()))
        assert known(web) == set()
        engine.answers("7")
        web.post(LoadMeasured(RequestLoad()))
        await until(web, lambda o: known(web) == {ONE.id, PROCESSOR})


async def test_what_a_person_cancelled_stays_cancelled(tmp_path: Path, engine: FakeEngine) -> None:
    """Until the next start; the other devices are tested all the same."""
    engine.answers("silence")
    async with watched(tmp_path, engine) as web:
        await until(web, lambda o: any(job.state is JobState.RUNNING for job in o.snapshot.jobs.values()))
        (job,) = web.trials.jobs()
        web.trials.end(job)
        engine.answers("7")
        await until(web, lambda o: known(web) == {PROCESSOR})
