"""Whole mesh services of several boxes in one process, on loopback."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.lanes.address import Address
from appliance.mesh.membership.facts import Facts
from appliance.mesh.service.outcome import Refused
from appliance.mesh.service.owning import Wish
from appliance.mesh.service.service import MeshService
from appliance.mesh.service.setup import Setup
from appliance.mesh.types import PeerState
from appliance.storage.identity import node_id
from tests.app.mesh.harness import HERE, until


@dataclass
class Home:
    """Boxes with their own folders; those that still run are stopped at the end."""

    folder: Path
    boxes: list[Box] = field(default_factory=list)

    async def box(self, *, listen: bool = True) -> Box:
        name = f"box {len(self.boxes)}"
        folder = self.folder / name
        folder.mkdir()
        box = Box(name, folder, Ed25519PrivateKey.generate())
        self.boxes.append(box)
        await box.start(listen=listen)
        return box

    async def mesh(self, size: int) -> list[Box]:
        """So many boxes that all see each other; the first one founded it."""
        first, *others = [await self.box() for _ in range(size)]
        for other in others:
            assert await other.service.join(await first.token()) is None
        boxes = [first, *others]
        await until(lambda: all_see_each_other(boxes))
        return boxes


@dataclass
class Box:
    name: str
    folder: Path
    key: Ed25519PrivateKey
    port: int = 0
    changes: int = 0
    running: bool = False
    service: MeshService = field(init=False)

    @property
    def node(self) -> str:
        return node_id(self.key)

    @property
    def address(self) -> str:
        return f"{HERE}:{self.port}"

    async def start(self, *, listen: bool = True) -> None:
        """Also again, with the same identity and port."""
        setup = Setup(hosts=(HERE,), port=self.port, advertised=(Address(HERE, 0),), interfaces=lambda: ())
        self.service = MeshService(self.key, self.folder, setup, self._changed)
        self.running = True
        assert await self.service.start(listen=listen) is None
        self.service.describe(Facts(name=self.name))
        self.port = self.service.port or 0

    async def stop(self) -> None:
        self.running = False
        await self.service.stop()

    async def crash(self) -> None:
        """Says nothing more and hears nothing, as when its process was killed."""
        self.running = False
        lanes = self.service.lanes()
        assert lanes is not None
        for transport in lanes.quic.endpoint._transports.values():
            transport.abort()
        lanes.quic.endpoint._transports.clear()
        self.service._lanes = None
        await self.service._rounds.end()
        await self.service._renewing.close()
        await lanes.close()
        await self.service._tasks.close()

    def _changed(self) -> None:
        self.changes += 1

    async def token(self, wish: Wish | None = None) -> str:
        token = await self.service.owner.invite(wish or Wish(uses=10, may_invite=False))
        assert not isinstance(token, Refused)
        return token

    def sees(self, other: Box) -> PeerState | None:
        return next((peer.state for peer in self.service.peers() if peer.id == other.node), None)

    def names(self) -> set[str]:
        return {peer.name for peer in self.service.peers() if peer.state is PeerState.ALIVE}


def all_see_each_other(boxes: list[Box]) -> bool:
    return all(one.sees(other) is PeerState.ALIVE for one in boxes for other in boxes if one is not other)


def all_see(boxes: list[Box], node: Box, *states: PeerState | None) -> bool:
    return all(one.sees(node) in states for one in boxes if one is not node)


@asynccontextmanager
async def home(folder: Path) -> AsyncIterator[Home]:
    made = Home(folder)
    try:
        yield made
    finally:
        for box in made.boxes:
            if box.running:
                await box.stop()
