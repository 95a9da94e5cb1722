"""What was measured is told at once, and known again after a restart."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from appliance.models.draft_trials import DraftTrial, Speed
from appliance.node.events import DraftTried, Event
from appliance.node.snapshot import EngineSpec, Snapshot
from appliance.routing.table import Endpoint
from appliance.storage.database import Database
from appliance.supervisor import draft_trials
from appliance.supervisor.draft_trials import DraftMeter
from tests.unit.node.test_drafting import TARGET, a_box, commanded, started

ENDPOINT = Endpoint("127.0.0.1", 9, "key")


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    one = Database(tmp_path / "state.db")
    await one.open()
    yield one
    await one.close()


def answers(speed: Speed | None) -> Callable[..., Awaitable[Speed | None]]:
    async def sampled(*_: object) -> Speed | None:
        return speed

    return sampled


async def measured(database: Database, speed: Speed | None, snapshot: Snapshot | None = None) -> list[Event]:
    told: list[Event] = []
    box = snapshot or started(a_box())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(draft_trials, "sample", answers(speed))
        async with aiohttp.ClientSession() as session:
            spec = box.children[TARGET.id].spec
            await DraftMeter(database, lambda: box, told.append).measure(session, ENDPOINT, spec)
    return told


async def known_again(database: Database) -> list[Event]:
    told: list[Event] = []
    await DraftMeter(database, a_box, told.append).open()
    return told


async def test_what_was_found_outlives_the_box(database: Database) -> None:
    """The next start need not measure."""
    told = await measured(database, Speed(100.0))
    assert [event.trial.alone for event in told if isinstance(event, DraftTried)] == [Speed(100.0)]
    assert await known_again(database) == told


@pytest.mark.parametrize(("speed", "events"), [(Speed(0.0), 1), (None, 0)])
async def test_what_could_not_be_measured_is_not_kept(speed: Speed | None, events: int, database: Database) -> None:
    """It is tried once more the next time; for now the helper stays away."""
    assert len(await measured(database, speed)) == events
    assert await known_again(database) == []


async def test_nothing_is_measured_without_need(database: Database) -> None:
    """Most engines have no helper."""
    plain = started(a_box("off"))
    assert await measured(database, Speed(1.0), plain) == []


async def test_a_document_of_another_version_is_forgotten(database: Database) -> None:
    """It is measured anew."""
    rows = [("one", '{"pair": 3}'), ("two", "no json"), ("three", '{"pair": "p", "machine": "m"}')]
    await database.write(lambda c: c.executemany("INSERT INTO draft_trials VALUES (?, ?)", rows))
    assert await known_again(database) == [DraftTried("three", DraftTrial("p", "m"))]


async def test_a_disk_that_is_full_does_not_keep_a_model_from_answering(tmp_path: Path) -> None:
    """What was measured holds until the box ends."""
    nowhere = Database(tmp_path / "gone" / "state.db")
    assert len(await measured(nowhere, Speed(5.0))) == 1
    assert await known_again(nowhere) == []
    await nowhere.close()


def test_the_box_of_these_tests_wants_a_trial() -> None:
    """Else they would show nothing."""
    spec = commanded(a_box())
    assert isinstance(spec, EngineSpec)
    assert replace(spec, trial=True) == spec
