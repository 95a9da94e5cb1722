"""Boxes on one network find each other: on loopback, and in networks made for it where this machine allows that."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

from appliance.mesh.discovery.mdns import SERVICE, Mdns, Said, View
from appliance.mesh.discovery.reach import Reach
from appliance.mesh.discovery.record import mark_of
from appliance.mesh.lanes.candidates import Interface
from tests.app.mesh.harness import DEADLINE

ANNA, BERT = "annaannaannaanna", "bertbertbertbert"
LOOPBACK = Interface("lo", "127.0.0.1")
WORDS = Said(ANNA, "Anna", "1.0", "meshmeshmeshmesh", 9338, ("192.0.2.1",))


@dataclass
class Watched:
    """A box on loopback and the views that it told."""

    mdns: Mdns
    views: asyncio.Queue[View] = field(default_factory=asyncio.Queue)

    async def until(self, seen: Callable[[View], bool]) -> View:
        async with asyncio.timeout(DEADLINE):
            while not seen(self.mdns.view):
                await self.views.get()
        return self.mdns.view


@asynccontextmanager
async def box(
    said: Said, interfaces: Callable[[], tuple[Interface, ...]] = lambda: (LOOPBACK,)
) -> AsyncIterator[Watched]:
    views: asyncio.Queue[View] = asyncio.Queue()
    watched = Watched(Mdns(said, views.put_nowait, interfaces=interfaces, look=0.5), views)
    watched.mdns.start()
    try:
        yield watched
    finally:
        await watched.mdns.close()


def bert(**changes: Any) -> Said:
    return replace(Said(BERT, "Bert", "1.0", None, 9400, ("192.0.2.2",)), **changes)


async def test_two_boxes_see_each_other() -> None:
    """Each with what the other says of itself, and neither sees itself."""
    async with box(WORDS) as anna, box(bert()) as other:
        seen = (await anna.until(lambda view: bool(view.boxes))).boxes
        assert [(each.node, each.name, each.port, each.mesh) for each in seen] == [(BERT, "Bert", 9400, None)]
        assert seen[0].addresses == ("192.0.2.2",)
        seen = (await other.until(lambda view: bool(view.boxes))).boxes
        assert [(each.node, each.mesh) for each in seen] == [(ANNA, mark_of("meshmeshmeshmesh"))]
        assert anna.mdns.view.reach is Reach.FINE


async def test_a_new_name_is_seen() -> None:
    """Without a restart."""
    async with box(WORDS) as anna, box(bert()) as other:
        await anna.until(lambda view: bool(view.boxes))
        other.mdns.update(bert(name="Berta", mesh="meshmeshmeshmesh"))
        view = await anna.until(lambda view: any(each.name == "Berta" for each in view.boxes))
        assert view.boxes[0].mesh == mark_of("meshmeshmeshmesh")


async def test_a_box_that_ends_is_gone_at_once() -> None:
    """It says goodbye."""
    async with box(WORDS) as anna:
        async with box(bert()):
            await anna.until(lambda view: bool(view.boxes))
        await anna.until(lambda view: not view.boxes)


async def test_a_box_without_network_says_so_and_goes_on_when_there_is_one() -> None:
    """As data: no error, no restart."""
    present: list[Interface] = []
    async with box(WORDS, lambda: tuple(present)) as anna, box(bert()):
        await anna.until(lambda view: view.reach is Reach.NO_NETWORK)
        present.append(LOOPBACK)
        await anna.until(lambda view: view.reach is Reach.FINE and bool(view.boxes))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # of a socket in zeroconf
async def test_an_address_that_is_none_of_this_machine_is_data_too() -> None:
    """What the system refuses ends nothing."""
    async with box(WORDS, lambda: (Interface("eth9", "203.0.113.1"),)) as anna:
        await anna.until(lambda view: view.reach is Reach.NO_MULTICAST)


async def test_a_copied_identity_stops_neither_box() -> None:
    """Both are heard, so that the clash can be told at all; the list shows the one that was started last."""
    async with box(WORDS) as anna, box(bert()):
        await anna.until(lambda view: bool(view.boxes))
        async with box(bert(name="Copy", addresses=("192.0.2.3",))) as copy:
            await copy.until(lambda view: view.reach is Reach.FINE)
            await anna.until(lambda view: [each.name for each in view.boxes] == ["Copy"])
        await anna.until(lambda view: [each.name for each in view.boxes] == ["Bert"])


async def test_rubbish_on_the_network_is_passed_over() -> None:
    """Somebody announces under our name what is no box."""
    async with box(WORDS) as anna, AsyncZeroconf(interfaces=["127.0.0.1"]) as stranger:
        for number, said in enumerate([{}, {b"id": b"\xff\x00"}, {b"id": BERT.encode(), b"name": b"\xff" * 200}]):
            info = AsyncServiceInfo(
                SERVICE, f"odd {number}.{SERVICE}", port=number, properties=said, parsed_addresses=["127.0.0.1"]
            )
            await (await stranger.async_register_service(info))
        async with box(bert()):
            view = await anna.until(lambda view: bool(view.boxes))
            assert [each.name for each in view.boxes] == ["Bert"]


async def test_nothing_is_said_before_the_start() -> None:
    """The setting is off at first."""
    mdns = Mdns(bert(), lambda view: None, interfaces=lambda: (LOOPBACK,), look=0.5)
    async with box(WORDS) as anna:
        await anna.until(lambda view: view.reach is Reach.FINE)
        assert anna.mdns.view.boxes == ()
    assert mdns.view == View()


@dataclass(frozen=True)
class Apart:
    """Two networks of this machine, joined by a cable that leads nowhere else."""

    names: tuple[str, str]
    cables: tuple[str, str]

    def ip(self, end: int, *words: str) -> None:
        subprocess.run(["ip", "-n", self.names[end], *words], check=True, capture_output=True)

    @asynccontextmanager
    async def box(self, end: int, node: str, name: str) -> AsyncIterator[asyncio.subprocess.Process]:
        command = [
            "ip",
            "netns",
            "exec",
            self.names[end],
            sys.executable,
            "-m",
            "tests.app.mesh.nearby_box",
            node,
            name,
        ]
        process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        try:
            yield process
        finally:
            if process.returncode is None:
                process.terminate()
            await process.communicate()


@pytest.fixture
def apart() -> Iterator[Apart]:
    if os.geteuid() != 0 or shutil.which("ip") is None:
        pytest.skip("only root can make networks")
    mark = f"mb{os.getpid()}"
    pair = Apart((f"{mark}a", f"{mark}b"), (f"{mark}x", f"{mark}y"))
    made = subprocess.run(["ip", "netns", "add", pair.names[0]], check=False, capture_output=True)
    if made.returncode != 0:
        pytest.skip("this machine makes no networks")
    try:
        subprocess.run(["ip", "netns", "add", pair.names[1]], check=True)
        pair.ip(
            0, "link", "add", pair.cables[0], "type", "veth", "peer", "name", pair.cables[1], "netns", pair.names[1]
        )
        for end in (0, 1):
            pair.ip(end, "link", "set", "lo", "up")
            pair.ip(end, "addr", "add", f"198.51.100.{end + 1}/24", "dev", pair.cables[end])
            pair.ip(end, "link", "set", pair.cables[end], "up")
        yield pair
    finally:
        for name in pair.names:
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


async def _until(process: asyncio.subprocess.Process, seen: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    assert process.stdout is not None
    async with asyncio.timeout(DEADLINE):
        while line := await process.stdout.readline():
            if seen(view := json.loads(line)):
                return dict(view)
    pytest.fail("the box ended")


async def test_boxes_on_one_cable_find_each_other(apart: Apart) -> None:
    """At the addresses of their interfaces; who leaves is gone."""
    async with apart.box(0, ANNA, "Anna") as anna:
        async with apart.box(1, BERT, "Bert") as other:
            view = await _until(anna, lambda view: bool(view["boxes"]))
            assert view["boxes"] == [{"node": BERT, "name": "Bert", "addresses": ["198.51.100.2"], "port": 9338}]
            view = await _until(other, lambda view: bool(view["boxes"]))
            assert view["boxes"][0]["addresses"] == ["198.51.100.1"]
        await _until(anna, lambda view: not view["boxes"])


async def test_a_new_address_is_told(apart: Apart) -> None:
    """Others see it beside the old one, and the box does not vanish meanwhile."""
    async with apart.box(0, ANNA, "Anna") as anna, apart.box(1, BERT, "Bert"):
        await _until(anna, lambda view: bool(view["boxes"]))
        apart.ip(1, "addr", "add", "198.51.100.9/24", "dev", apart.cables[1])
        view = await _until(anna, lambda view: not view["boxes"] or len(view["boxes"][0]["addresses"]) == 2)
        assert view["boxes"][0]["addresses"] == ["198.51.100.2", "198.51.100.9"]


async def test_a_pulled_cable_is_told_and_mended(apart: Apart) -> None:
    """A machine whose network comes later finds the others then."""
    apart.ip(0, "addr", "flush", "dev", apart.cables[0])
    async with apart.box(0, ANNA, "Anna") as anna, apart.box(1, BERT, "Bert"):
        await _until(anna, lambda view: view["reach"] == "no_network")
        apart.ip(0, "addr", "add", "198.51.100.1/24", "dev", apart.cables[0])
        await _until(anna, lambda view: view["reach"] == "fine" and bool(view["boxes"]))


_TAKES_THE_PORT = """
import socket, time
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
    taken.bind(("0.0.0.0", 5353))
    print("taken", flush=True)
    time.sleep(60)
"""


async def test_a_port_that_another_program_keeps_is_told_and_mended(apart: Apart) -> None:
    """Once, for as long as it lasts."""
    command = ["ip", "netns", "exec", apart.names[0], sys.executable, "-c", _TAKES_THE_PORT]
    other = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    assert other.stdout is not None
    await other.stdout.readline()
    async with apart.box(0, ANNA, "Anna") as anna:
        await _until(anna, lambda view: view["reach"] == "port_taken")
        other.kill()
        await other.communicate()
        view = await _until(anna, lambda view: view["reach"] != "port_taken")
        assert view["reach"] == "fine"
