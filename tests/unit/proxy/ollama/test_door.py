"""The port opens, moves and closes with its setting, while the box runs."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

import pytest

from appliance.node.events import SettingsChanged
from appliance.node.snapshot import TroubleKind
from appliance.ports import PortTaken
from appliance.proxy.ollama.door import Door
from appliance.run_loop import RunLoop
from appliance.settings.schema import ApiSettings, Settings
from appliance.tasks import TaskGroup
from tests.builders import make_snapshot

TAKEN, FREE, OTHER = 11434, 11435, 11436


@dataclass
class House:
    """A run loop and a street of ports, one of which belongs to somebody else."""

    loop: RunLoop = field(default_factory=lambda: RunLoop(make_snapshot(), lambda _: None, time.time))
    taken: set[int] = field(default_factory=lambda: {TAKEN})
    open: list[int] = field(default_factory=list)

    def make(self, port: int) -> StandIn:
        return StandIn(self, port)

    def wish(self, port: int) -> None:
        self.loop.post(SettingsChanged(Settings(api=ApiSettings(ollama_port=port))))

    @property
    def trouble(self) -> str | None:
        return self.loop.outlook.snapshot.troubles.get(TroubleKind.OLLAMA_PORT_TAKEN)

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event of its own
                await asyncio.sleep(0.001)


@dataclass
class StandIn:
    """A server that listens nowhere: which ports are taken is for the test to say."""

    house: House
    port: int

    async def start(self) -> None:
        if self.port in self.house.taken:
            raise PortTaken(f"Port {self.port} cannot be used.")
        self.house.open.append(self.port)

    def part(self) -> None:
        pass

    async def stop(self, _patience: float) -> None:
        if self.port in self.house.open:
            self.house.open.remove(self.port)


@pytest.fixture
async def house() -> AsyncIterator[House]:
    house, tasks = House(), TaskGroup()
    door = Door(house.loop, house.make, retry=0.001)
    tasks.start("run loop", house.loop.run())
    door.open()
    yield house
    await door.close(0)
    assert house.open == []
    await tasks.close()


async def test_it_opens_moves_and_closes(house: House) -> None:
    """Without a restart; zero is closed."""
    for port, opened in ((FREE, [FREE]), (OTHER, [OTHER]), (0, []), (FREE, [FREE])):
        house.wish(port)
        await house.until(lambda opened=opened: house.open == opened)  # type: ignore[misc]


async def test_a_taken_port_is_told_and_opens_once_it_is_free(house: House) -> None:
    """The trouble ends by itself."""
    house.wish(TAKEN)
    await house.until(lambda: house.trouble is not None)
    assert str(TAKEN) in str(house.trouble)
    house.taken.clear()
    await house.until(lambda: house.open == [TAKEN] and house.trouble is None)


@pytest.mark.parametrize(("instead", "opened"), [(FREE, [FREE]), (0, [])])
async def test_another_wish_ends_the_trouble(house: House, instead: int, opened: list[int]) -> None:
    """Nobody waits for a port that is not wanted any more."""
    house.wish(TAKEN)
    await house.until(lambda: house.trouble is not None)
    house.wish(instead)
    await house.until(lambda: house.open == opened and house.trouble is None)
