"""Being there: gossip with the other members, and everything that follows when it is known who belongs to the mesh."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from msgspec.structs import replace

from appliance.mesh.identity.handshake import Peer
from appliance.mesh.lanes import contract
from appliance.mesh.lanes.address import Address
from appliance.mesh.lanes.lanes import Lanes
from appliance.mesh.lanes.trouble import LaneError
from appliance.mesh.membership.facts import Facts
from appliance.mesh.membership.types import Out, RecordChanged, Timing, Trust
from appliance.mesh.service.driving import Driver, Hears, machine_for
from appliance.mesh.service.keeping import MOST_FOUND, Found
from appliance.mesh.service.notices import REMOVAL, accept, notices_of
from appliance.mesh.service.papers import Papers
from appliance.mesh.service.visiting import readable

FIRST_CONTACTS = 16  # boxes that are dialled at once after a start; the others are heard of from them


@dataclass(frozen=True, slots=True)
class Tells:
    """What the rounds tell of."""

    kept: Callable[[], None]  # the papers, or addresses, are to be kept
    changed: Callable[[], None]  # what is shown
    turned_away: Callable[[str, LaneError], None]
    out: Callable[[], None]  # this box itself is not of the mesh any more


class Rounds:
    """`driver` is None while this box takes no part."""

    def __init__(self, papers: Papers, lanes: Lanes, timing: Timing, found: Found, tells: Tells) -> None:
        self._papers, self._lanes, self._timing, self._tells = papers, lanes, timing, tells
        self._found: dict[str, tuple[str, ...]] = dict(found)
        self.driver: Driver | None = None

    # Beginning and end:

    def begin(self, facts: Facts, contacts: Iterable[str] | None = None) -> None:
        """`contacts`: whom to ask first; else some of those that belong to the mesh."""
        papers = self._papers
        trust = Trust(
            sign=papers.key.sign,
            proof=papers.proof,
            verify=papers.genuine,
            allowed=papers.admits,
            gossips=lambda node: node not in papers.verdicts.clients,
            accept=lambda topic, data: accept(papers, topic, data),
        )
        role = papers.belonging.certificate.claims.role
        machine = machine_for(papers.node, role, trust, self._timing)
        hears = Hears(self._changes, self.settle, self._tells.turned_away)
        self.driver = Driver(self._lanes, machine, hears)
        papers.stale = True
        self.describe(facts)
        self.settle()
        self.driver.join(self._contacts() if contacts is None else contacts)

    async def end(self, *, goodbye: bool = False) -> None:
        driver, self.driver = self.driver, None
        if driver is not None:
            if goodbye:
                driver.leave()
            await driver.stop()

    def _contacts(self) -> list[str]:
        """Of those whose addresses are known."""
        papers, chosen = self._papers, list[str]()
        for node in sorted({one.node for one in papers.roster.certificates.values()} - {papers.node}):
            self.know(node, readable(self._found.get(node, ())))
            if node in self._found and papers.admits(node):
                chosen.append(node)
        return chosen[:FIRST_CONTACTS]

    def know(self, node: str, addresses: Iterable[Address]) -> None:
        found = tuple(addresses)
        if found:
            self._lanes.know(node, found)

    def describe(self, facts: Facts) -> None:
        if self.driver is not None:
            self.driver.describe(replace(facts, role=self._papers.belonging.certificate.claims.role.value))

    @property
    def found(self) -> Found:
        """Of those who belong to the mesh, as many as are kept."""
        admitted = {one.node for one in self._papers.roster.certificates.values() if self._papers.admits(one.node)}
        known = sorted(node for node in self._found if node in admitted)
        return {node: self._found[node] for node in known[:MOST_FOUND]}

    # What comes in:

    def gossiped(self, peer: contract.Peer, payload: bytes) -> None:
        certificate = peer.certificate if isinstance(peer, Peer) else None
        if certificate and (peer.node, certificate.claims.serial) not in self._papers.roster.certificates:
            self._papers.learn((certificate,))
        if self.driver is not None:
            self.driver.received(peer.node, payload)

    def removal_told(self, _peer: contract.Peer, payload: bytes) -> None:
        """Said directly, for who would not hear it any more, or from who leaves."""
        if accept(self._papers, REMOVAL, payload):
            self.settle()

    def came_or_went(self, node: str) -> None:
        if self.driver is not None:
            there = self._lanes.quic.link(node) is not None or self._lanes.connections.count(node) > 0
            self.driver.came_or_went(node, there=there)

    def _changes(self, changes: list[Out]) -> None:
        for change in changes:
            if isinstance(change, RecordChanged):
                self._addresses_of(change.node)
        self._tells.changed()

    def _addresses_of(self, node: str) -> None:
        member = self.driver.members.get(node) if self.driver is not None else None
        if member is None:
            return
        addresses = member.record.facts.addresses
        if addresses and self._found.get(node) != addresses:
            self._found[node] = addresses
            self._tells.kept()
        if addresses:
            self.know(node, readable(addresses))

    # What follows:

    def settle(self) -> None:
        """Does what follows from a change of the papers; nothing when there was none."""
        papers = self._papers
        if not papers.stale:
            return
        papers.stale = False
        if papers.verdicts.ours is not None:
            self._tells.out()
        self._tell_all()
        self._end_who_is_out()
        self._tells.kept()
        self._tells.changed()

    def _tell_all(self) -> None:
        driver = self.driver
        if driver is None:
            return
        told, published = notices_of(self._papers), driver.published()
        for topic, data in published.difference(told):
            driver.drop(topic, data)
        for topic, data in told:
            if (topic, data) not in published:
                driver.publish(topic, data)

    def _end_who_is_out(self) -> None:
        out, lanes = self._papers.verdicts.out, self._lanes
        members = self.driver.members if self.driver is not None else {}
        for node in out.intersection((*members, *lanes.quic.nodes, *lanes.connections.nodes())):
            if self.driver is not None:
                self.driver.evict(node)
            lanes.end(node, "that box does not belong to this mesh any more")

    def end_all(self, why: str) -> None:
        for node in {*self._lanes.quic.nodes, *self._lanes.connections.nodes()}:
            self._lanes.end(node, why)
