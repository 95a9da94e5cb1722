"""Several boxes become a mesh, and stay one while some of them leave, crash and come back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from appliance.mesh.membership.facts import Facts, ModelFact
from appliance.mesh.service.owning import Wish
from appliance.mesh.types import Lane, PeerState, Role
from appliance.tasks import TaskGroup
from tests.app.mesh.harness import until
from tests.app.mesh.services import all_see, all_see_each_other, home


async def seconds_until(condition: Callable[[], object], began: float) -> float:
    await until(condition)
    return asyncio.get_running_loop().time() - began


async def test_a_box_joins_by_token(tmp_path: Path) -> None:
    """Two boxes that never met see each other within three seconds of one word being copied."""
    async with home(tmp_path) as boxes:
        first, second = await boxes.box(), await boxes.box()
        token = await first.token()
        began = asyncio.get_running_loop().time()
        assert await second.service.join(token) is None
        took = await seconds_until(lambda: all_see_each_other([first, second]), began)
        assert took < 3
        await until(lambda: first.names() == {"box 1"} and second.names() == {"box 0"})


async def test_five_boxes(tmp_path: Path) -> None:
    """Whoever joins is seen by those whom it never talked to."""
    async with home(tmp_path) as boxes:
        four, last = await boxes.mesh(4), await boxes.box()
        token = await four[0].token()
        began = asyncio.get_running_loop().time()
        assert await last.service.join(token) is None
        took = await seconds_until(lambda: all_see_each_other([*four, last]), began)
        assert took < 5


async def test_a_box_stops(tmp_path: Path) -> None:
    """Who says goodbye is known to be gone within half a second."""
    async with home(tmp_path) as boxes:
        three, tasks = await boxes.mesh(3), TaskGroup()
        began = asyncio.get_running_loop().time()
        stopping = tasks.start("stop", three[1].stop())
        took = await seconds_until(lambda: all_see([three[0], three[2]], three[1], PeerState.LEFT), began)
        await stopping
        assert took < 0.5


async def test_a_box_crashes(tmp_path: Path) -> None:
    """Who falls silent is known to be dead by all within six seconds."""
    async with home(tmp_path) as boxes:
        five = await boxes.mesh(5)
        others = [*five[:2], *five[3:]]
        began = asyncio.get_running_loop().time()
        await five[2].crash()
        took = await seconds_until(lambda: all_see(others, five[2], PeerState.DEAD), began)
        assert took < 6


async def test_a_box_comes_back(tmp_path: Path) -> None:
    """After a restart with the same identity it is a member again, and nobody has to do anything."""
    async with home(tmp_path) as boxes:
        three = await boxes.mesh(3)
        await three[2].stop()
        await until(lambda: all_see(three[:2], three[2], PeerState.LEFT))
        await three[2].start()
        await until(lambda: all_see_each_other(three))


async def test_a_box_leaves_for_good(tmp_path: Path) -> None:
    """It belongs to a mesh of its own again, and the others do not wait for it."""
    async with home(tmp_path) as boxes:
        three = await boxes.mesh(3)
        before = three[1].service.papers.belonging.anchor.mesh
        assert await three[1].service.leave() is None
        await until(lambda: all_see([three[0], three[2]], three[1], None, PeerState.LEFT))
        await until(lambda: len(three[0].service.owner.members()) == len(three[2].service.owner.members()) == 2)
        assert three[1].service.papers.belonging.anchor.mesh != before
        assert three[1].service.peers() == ()


async def test_what_a_box_says_of_itself(tmp_path: Path) -> None:
    """A model that starts to serve is seen by the others, and each link has its lane."""
    async with home(tmp_path) as boxes:
        one, other = await boxes.mesh(2)
        one.service.describe(Facts(name="kitchen", models=(ModelFact("small", "ready"),)))
        await until(lambda: [m.id for peer in other.service.peers() for m in peer.models] == ["small"])
        assert other.names() == {"kitchen"}
        assert [link.lane for link in other.service.links()] == [Lane.QUIC]
        assert other.changes


async def test_a_box_that_is_alone_is_closed(tmp_path: Path) -> None:
    """Nothing listens until an invitation is made."""
    async with home(tmp_path) as boxes:
        box = await boxes.box(listen=False)
        assert box.service.port is None
        await box.token(Wish())
        assert box.service.port


async def test_a_client_takes_part(tmp_path: Path) -> None:
    """It sees the boxes, hears of new ones, and is listed as a box by nobody."""
    async with home(tmp_path) as boxes:
        first, client = await boxes.box(), await boxes.box()
        assert await client.service.join(await first.token(Wish(role=Role.CLIENT))) is None
        await until(lambda: client.names() == {"box 0"})
        third = await boxes.box()
        assert await third.service.join(await first.token()) is None
        await until(lambda: client.names() == {"box 0", "box 2"})
        assert first.names() == {"box 2"}
