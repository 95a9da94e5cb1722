"""One box's part in the mesh as one thing that starts, listens and stops.

Nothing listens and nobody is dialled before a person wanted it: `start(listen=True)`, an invitation, or joining.
Everything is called from one event loop. What cannot be done comes back as `Refused`; only a damaged or unwritable data
folder is raised, by `start`.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.identity.belonging import entered, followed
from appliance.mesh.identity.joining import Joined
from appliance.mesh.identity.owners import Trust
from appliance.mesh.identity.revocation import Revocation
from appliance.mesh.identity.roster import with_records
from appliance.mesh.identity.tokens import BadToken, parse
from appliance.mesh.lanes import contract
from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.candidates import own_candidates
from appliance.mesh.lanes.choice import Measured
from appliance.mesh.lanes.exchange import Desk
from appliance.mesh.lanes.lanes import Lanes, Wanted
from appliance.mesh.lanes.prover import Prover
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.membership.facts import Facts
from appliance.mesh.membership.views import skewed
from appliance.mesh.service import viewing
from appliance.mesh.service.driving import GOSSIP
from appliance.mesh.service.keeping import Found, Keeper, own_mesh
from appliance.mesh.service.outcome import TROUBLES, Refused, refused
from appliance.mesh.service.owning import Around, Owner
from appliance.mesh.service.pairing import Application, Applying, Guest
from appliance.mesh.service.papers import Papers
from appliance.mesh.service.renewing import Renewing, Renews
from appliance.mesh.service.rounds import Rounds, Tells
from appliance.mesh.service.setup import Setup
from appliance.mesh.service.visiting import JOIN, readable, redeem
from appliance.mesh.service.visitors import Visitors
from appliance.mesh.types import Link, Peer, PeerState
from appliance.storage.errors import StorageFailed
from appliance.tasks import TaskGroup

log = logging.getLogger("meshbox.mesh")

OUT = "removal"  # the note that says a removal directly
LOOK_EVERY = 30.0  # seconds: addresses, clocks, the end of certificates
TELL_AFTER = 0.05  # seconds in which changes are gathered


class MeshService:
    def __init__(
        self, key: Ed25519PrivateKey, folder: Path, setup: Setup, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self._key, self._setup, self._on_change = key, setup, on_change
        self._keeper = Keeper(folder)
        self._facts = Facts()
        self._tasks = TaskGroup()
        self._opening = asyncio.Lock()
        self._addresses: tuple[str, ...] = ()
        self._telling: asyncio.TimerHandle | None = None
        self._keeping: asyncio.Task[None] | None = None
        self._lanes: Lanes | None = None
        self.applying = Applying()
        self.trouble: Refused | None = None  # why others do not take this box's certificate
        self.papers: Papers
        self.owner: Owner
        self._rounds: Rounds
        self._renewing: Renewing

    # Beginning and end:

    async def start(self, *, listen: bool) -> Refused | None:
        """Raises MeshStateDamaged and StorageFailed."""
        self.papers = await self._keeper.load(self._key, self._setup)
        self.owner = Owner(self.papers, self._keeper, Around(self._reachable, self._settle, self._tell_out))
        return await self.open() if listen else None

    async def open(self) -> Refused | None:
        """Listens on both lanes and takes part; again: nothing."""
        async with self._opening:
            if self._lanes is not None:
                return None
            found = await self._keeper.found()
            lanes = self._new_lanes()
            try:
                await lanes.start(self._setup.hosts, self._setup.port)
            except OSError as error:
                await lanes.close()
                port = self._setup.port
                text = (
                    f"Port {port} cannot be listened on, so no other box can reach this one: {error.strerror or error}."
                    " End what uses it, or choose another port for the mesh."
                )
                return Refused("port", text)
            self._lanes = lanes
            self._begin(lanes, found)
            await self._look_at_addresses()
            self._take_part()
            self._tasks.start("mesh", self._look_around())
            return None

    async def stop(self) -> None:
        """Says goodbye and closes everything. What is known stays on disk."""
        async with self._opening:
            lanes, self._lanes = self._lanes, None
            await self.applying.cancel()
            if lanes is not None:
                await self._rounds.end(goodbye=True)
                await self._renewing.close()
                await lanes.close()
            await self._tasks.close()
            if lanes is not None:
                await self._keep()
            if self._telling is not None:
                self._telling.cancel()

    def _new_lanes(self) -> Lanes:
        desk = self._setup.desk
        questions = {**desk.questions, JOIN: self._visited}
        notes = {**desk.notes, GOSSIP: self._gossiped, OUT: self._removal_told}
        wanted = Wanted(
            self._setup.handlers,
            Desk(questions, notes, desk.open_to_visitors | {JOIN}),
            self._helpers,
            self._came_or_went,
        )
        return Lanes(self._key, Prover(self.papers.credentials), wanted, self._setup.limits)

    def _begin(self, lanes: Lanes, found: Found) -> None:
        self._renewing = Renewing(Renews(self.papers, lanes, self._present, self._renewed, self._not_renewed))
        tells = Tells(self._keep_soon, self._changed, self._renewing.turned_away, self._is_out)
        self._rounds = Rounds(self.papers, lanes, self._setup.timing, found, tells)
        self._visitors = Visitors(self._keeper, self._settled, self._ahead)

    def _take_part(self, *contacts: str) -> None:
        if self.papers.verdicts.ours is None:
            self._rounds.begin(self._described(), contacts or None)
            self._renewing.look()

    # Joining and leaving:

    async def join(self, text: str) -> Refused | None:
        """By an invitation."""
        token = parse(text)
        if isinstance(token, BadToken):
            return Refused(token.fault.value, token.text)
        if token.issuer == self.papers.node:
            return Refused("itself", "This invitation was made by this very box. Use it at the other one.")
        if (no := await self._ready_to_join()) is not None:
            return no
        lanes = self._open_lanes()
        got = await redeem(lanes, self.papers, token)
        if isinstance(got, Refused):
            return got
        return await self._enter(got, token.issuer, readable(token.addresses))

    async def ask_to_join(self, address: str, name: str) -> Application | Refused:
        """By an address: the digits are in `applying.application`, which changes as it goes on."""
        if (no := await self._ready_to_join()) is not None:
            return no
        guest = Guest(self.papers, name, self._setup.role, self._enter, self._changed)
        return await self.applying.begin(self._open_lanes(), guest, address)

    async def _ready_to_join(self) -> Refused | None:
        if self.papers.verdicts.ours is None and len(self.owner.members()) > 1:
            return Refused("member", "This box belongs to a mesh with other boxes. Leave that one first.")
        return await self.open()

    async def _enter(self, got: Joined, node: str, addresses: tuple[Address, ...]) -> Refused | None:
        before = self.papers.belonging, self.papers.roster, self.papers.book
        await self._rounds.end()
        self.papers.enter(*entered(got))
        try:
            await self._keeper.save(self.papers)
        except StorageFailed as error:
            self.papers.enter(*before[:2])
            self.papers.write(before[2])
            self._take_part()
            return refused(error)
        self.trouble = None
        self._rounds.know(node, addresses)
        self._take_part(node)
        return None

    async def leave(self) -> Refused | None:
        """For good: the others are told, and this box belongs to a mesh of its own again."""
        goodbye = self.owner.goodbye()
        if self._lanes is not None:
            if goodbye is not None:
                for node in self._present():
                    self._tell_out(node, goodbye)
            await self._rounds.end(goodbye=True)
            self._rounds.end_all("this box left the mesh")
        self.papers.enter(*own_mesh(self._key, self._setup))
        self.trouble = None
        try:
            await self._keeper.save(self.papers)
        except StorageFailed as error:
            return refused(error)
        finally:
            if self._lanes is not None:
                self._take_part()
            self._changed()
        return None

    # What this box says of itself, and sees of others:

    def describe(self, facts: Facts) -> None:
        """Name, models, load and the like; addresses and role are filled in here."""
        self._facts = facts
        if self._lanes is not None:
            self._rounds.describe(self._described())

    def wanted(self, model: str, requests: int = 1) -> None:
        """Requests for a model came in here."""
        if self._lanes is not None and self._rounds.driver is not None:
            self._rounds.driver.wanted(model, requests)

    def rule(self, trust: Trust) -> None:
        """Whose boxes are trusted."""
        self.papers.rule(trust)
        self._settle()

    @property
    def out(self) -> Refused | None:
        """Why this box is not of its mesh any more."""
        return self.papers.verdicts.ours

    @property
    def port(self) -> int | None:
        """None while nothing listens."""
        return self._lanes.port if self._lanes is not None else None

    def peers(self) -> tuple[Peer, ...]:
        driver = self._rounds.driver if self._lanes is not None else None
        return viewing.peers(driver.members, asyncio.get_running_loop().time()) if driver is not None else ()

    def links(self) -> tuple[Link, ...]:
        lanes = self._lanes
        driver = self._rounds.driver if lanes is not None else None
        return viewing.links(lanes, driver.members) if lanes is not None and driver is not None else ()

    def skewed(self) -> dict[str, float]:
        """Whose clocks are wrong, seconds ahead of this one's."""
        driver = self._rounds.driver if self._lanes is not None else None
        return skewed(driver.members) if driver is not None else {}

    async def measure(self, node: str) -> Measured | Refused:
        """Takes seconds and fills the way meanwhile; `links` shows it from then on."""
        try:
            measured = await self._open_lanes().measure(node)
        except LaneError as error:
            return refused(error)
        self._changed()
        return measured

    def lanes(self) -> Lanes | None:
        """For the tunnel, the self-test and whoever else asks other boxes."""
        return self._lanes

    def _open_lanes(self) -> Lanes:
        if self._lanes is None:
            raise LaneError(Reason.CLOSED, "this box takes part in no mesh at the moment")
        return self._lanes

    def _present(self) -> list[str]:
        driver = self._rounds.driver
        return [] if driver is None else [node for node, one in driver.members.items() if not one.gone]

    def _helpers(self, _node: str) -> list[str]:
        """Members to which there is a connection, the nearest first."""
        driver, lanes = self._rounds.driver, self._lanes
        if driver is None or lanes is None:
            return []
        alive = {node: one for node, one in driver.members.items() if one.state is PeerState.ALIVE}
        open_to = [node for node in alive if lanes.quic.link(node) is not None]
        return sorted(open_to, key=lambda node: alive[node].rtt or 1.0)

    # Notes and questions of others:

    async def _visited(self, peer: contract.Peer, payload: bytes) -> bytes:
        return await self._visitors.answer(self.papers, peer, payload)

    def _gossiped(self, peer: contract.Peer, payload: bytes) -> None:
        self._rounds.gossiped(peer, payload)

    def _removal_told(self, peer: contract.Peer, payload: bytes) -> None:
        self._rounds.removal_told(peer, payload)

    def _came_or_went(self, node: str) -> None:
        if self._lanes is not None:
            self._rounds.came_or_went(node)

    # What follows from changes:

    def _settle(self) -> None:
        if self._lanes is not None:
            self._rounds.settle()

    def _settled(self) -> None:
        self._settle()
        self._changed()

    def _tell_out(self, node: str, removal: Revocation) -> None:
        if self._lanes is not None:
            self._lanes.tell(node, OUT, removal.encoded())

    def _is_out(self) -> None:
        self._tasks.start("out of the mesh", self._rounds.end())
        self._rounds.end_all("this box does not belong to the mesh any more")

    async def _renewed(self, got: Joined, node: str) -> None:
        papers = self.papers
        belonging = followed(papers.belonging, got.anchor.rotations)
        papers.turn(belonging, with_records(papers.roster, got.certificate))
        self.trouble = None
        self._settle()
        await self._keep()
        if self._rounds.driver is not None:
            self._rounds.driver.again(node)

    def _ahead(self, node: str) -> None:
        """A box says that there is a newer mesh key: asked for it, when it is one that is known."""
        if any(one.node == node for one in self.papers.roster.certificates.values()):
            self._renewing.at(node)

    def _not_renewed(self, node: str, why: Refused) -> None:
        log.info("box %s does not renew the certificate of this one: %s", node, why.text)
        self.trouble = why
        self._changed()

    def _changed(self) -> None:
        if self._telling is None:
            self._telling = asyncio.get_running_loop().call_later(TELL_AFTER, self._tell)

    def _tell(self) -> None:
        self._telling = None
        self._on_change()

    def _keep_soon(self) -> None:
        if self._keeping is None or self._keeping.done():
            self._keeping = self._tasks.start("keep the mesh", self._keep())

    async def _keep(self) -> None:
        try:
            await self._keeper.save(self.papers)
        except StorageFailed as error:
            log.warning("what this box knows of its mesh could not be kept: %s", error.detail)
        await self._keeper.save_found(self._rounds.found)

    # Addresses and time:

    async def _reachable(self) -> tuple[str, ...]:
        if (no := await self.open()) is not None:
            raise LaneError(Reason.CLOSED, no.text)
        await self._look_at_addresses()
        return self._addresses

    async def _look_at_addresses(self) -> None:
        lanes = self._open_lanes()
        advertised = (replace(one, port=one.port or lanes.port) for one in self._setup.advertised)
        here = await asyncio.to_thread(self._setup.interfaces)
        self._addresses = tuple(str(one.address) for one in own_candidates(here, advertised, (), lanes.port))

    def _described(self) -> Facts:
        return msgspec.structs.replace(self._facts, addresses=self._addresses)

    async def _look_around(self) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY)
            with contextlib.suppress(*TROUBLES):
                await self._look_at_addresses()
            self._rounds.describe(self._described())
            if self._rounds.driver is not None:
                self._rounds.driver.set_wall()
            self.papers.reconsider()
            self._settle()
            self._renewing.look()
