"""What this box knows of its mesh, in memory: to which it belongs, who is in it and who is out, who asks to come in.

Steps are the pure ones of `identity`; here is the one place where their outcome becomes what is known. `version` grows
with everything that has to be kept.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from appliance.mesh.identity import certificate as certificates
from appliance.mesh.identity import invites, pairing
from appliance.mesh.identity.anchor import Rotation
from appliance.mesh.identity.belonging import Belonging, followed, refreshed
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.errors import Malformed, Untrusted
from appliance.mesh.identity.gate import gate
from appliance.mesh.identity.handshake import Credentials, Gate
from appliance.mesh.identity.hearing import learn_all
from appliance.mesh.identity.joining import Office
from appliance.mesh.identity.owners import Trust, judge
from appliance.mesh.identity.revocation import Revocation
from appliance.mesh.identity.roster import Roster, gone, judged, members, merge, settled
from appliance.mesh.identity.signing import public_of
from appliance.mesh.identity.standing import Standing
from appliance.mesh.identity.verifying import generation_holds
from appliance.mesh.service.outcome import Refused
from appliance.mesh.types import Role
from appliance.storage.identity import id_of

Record = Certificate | Revocation
_MOST_PROOFS = 4096


def now_ms() -> int:
    return int(time.time() * 1000)


@dataclass(frozen=True, slots=True)
class Verdicts:
    """What follows from all that is known, worked out once for each change."""

    gate: Gate
    standing: Standing
    out: frozenset[str]  # nodes whose connections are ended
    clients: frozenset[str]
    ours: Refused | None  # why this box itself is not of the mesh any more


class Papers:
    def __init__(
        self, key: Ed25519PrivateKey, belonging: Belonging, roster: Roster, book: invites.Book, trust: Trust
    ) -> None:
        self.key, self.public = key, public_of(key)
        self.node = id_of(self.public)
        self.belonging, self.roster, self.book, self.trust = belonging, roster, book, trust
        self.desk = pairing.Desk()
        self.version = 0
        self.stale = True  # what follows from a change was not done yet
        self._verdicts: Verdicts | None = None
        self._proofs: dict[bytes, tuple[str, bytes] | None] = {}

    # What follows:

    @property
    def verdicts(self) -> Verdicts:
        if self._verdicts is None:
            self._verdicts = self._worked_out(now_ms())
        return self._verdicts

    def credentials(self) -> Credentials:
        return Credentials(self.key, self.belonging.certificate, self.verdicts.gate)

    def office(self) -> Office:
        return Office(
            own_key=self.public,
            anchor=self.belonging.anchor,
            name=self.belonging.name,
            issuer=None if self.verdicts.ours else self.belonging.issuer(self.key),
            roster=self.roster,
            book=self.book,
            desk=self.desk,
        )

    def proof(self) -> bytes:
        return self.belonging.certificate.encoded()

    def admits(self, node: str) -> bool:
        return node not in self.verdicts.out

    def genuine(self, node: str, signed: bytes, signature: bytes, proof: bytes) -> bool:
        """Whether a node that belongs here signed that. `proof` is the certificate it had at that time."""
        if proof not in self._proofs:
            if len(self._proofs) >= _MOST_PROOFS:
                self._proofs.clear()
            self._proofs[proof] = self._key_in(proof)
        found = self._proofs[proof]
        return found is not None and found[0] == node and _verified(found[1], signature, signed)

    def _key_in(self, proof: bytes) -> tuple[str, bytes] | None:
        try:
            certificate = certificates.decode(proof)
        except Malformed:
            return None
        mine = [one for one in self.roster.certificates.values() if one.node == certificate.node]
        good = any(self.good(one) for one in (certificate, *mine))
        return (certificate.node, certificate.claims.key) if good else None

    def good(self, certificate: Certificate) -> bool:
        try:
            self.verdicts.gate(certificate, now_ms())
        except Untrusted:
            return False
        return True

    def holds(self, record: Record) -> bool:
        """Whether that is what this box knows best, and tells others."""
        now, anchor = now_ms(), self.belonging.anchor
        if isinstance(record, Revocation):
            known = self.roster.revocations.get((*record.target, record.by)) == record
            return known and generation_holds(record.said.generation, anchor, now)
        if self.roster.certificates.get((record.node, record.claims.serial)) != record or gone(record, now):
            return False
        return generation_holds(record.claims.generation, anchor, now) and self.verdicts.standing.holds(record)

    def told(self) -> Roster:
        """What others are told of members and removals."""
        return settled(self.roster, self.belonging.anchor, now_ms())

    # Changes:

    def enter(self, belonging: Belonging, roster: Roster) -> None:
        """Another mesh, with nothing left of the one before."""
        self.belonging, self.roster, self.book, self.desk = belonging, roster, invites.Book(), pairing.Desk()
        self.changed()

    def returned(self, office: Office) -> None:
        """After `joining.answer`."""
        self.desk = office.desk
        if office.book is not self.book or office.roster is not self.roster:
            self.book, self.roster = office.book, merge(self.roster, office.roster)
            self.changed()

    def write(self, book: invites.Book) -> None:
        self.book = book
        self.version += 1

    def turn(self, belonging: Belonging, roster: Roster) -> None:
        """Something was signed here: a removal, a new key, a certificate."""
        self.belonging, self.roster = refreshed(belonging, roster), roster
        self.changed()

    def learn(self, records: Iterable[Record]) -> bool:
        """What others pass on; whether something in it was new and believed."""
        before = self.roster
        self.roster, _ = learn_all(before, self.belonging.anchor, records, now_ms())
        if (self.roster.certificates, self.roster.revocations) == (before.certificates, before.revocations):
            return False
        self.belonging = refreshed(self.belonging, self.roster)
        self.changed()
        return True

    def follow(self, rotations: tuple[Rotation, ...]) -> bool:
        try:
            belonging = followed(self.belonging, rotations)
        except (Untrusted, Malformed):
            return False
        if belonging.anchor == self.belonging.anchor:
            return False
        self.belonging = refreshed(belonging, self.roster)
        self.changed()
        return True

    def rule(self, trust: Trust) -> None:
        self.trust = trust
        self.reconsider()

    def reconsider(self) -> None:
        """Time passed, or the rules are others: nothing new to keep, and perhaps other verdicts."""
        self._verdicts, self.stale = None, True
        self._proofs.clear()

    def changed(self) -> None:
        self.version += 1
        self.reconsider()

    def _worked_out(self, now: int) -> Verdicts:
        anchor = self.belonging.anchor
        check = gate(anchor, self.roster, self.trust)
        here = members(self.roster, anchor, now)
        standing = judged(self.roster, anchor, now)
        left = {one.said.node for one in standing.effective} - {one.node for one in here}
        unwanted = {one.node for one in here if one.node != self.node and not judge(one.node, self.trust).allowed}
        clients = {one.node for one in here if one.certificate.claims.role is Role.CLIENT}
        ours = _why_out(standing, self.belonging.certificate)
        return Verdicts(check, standing, frozenset(left | unwanted), frozenset(clients), ours)


def _why_out(standing: Standing, certificate: Certificate) -> Refused | None:
    try:
        standing.check(certificate)
    except Untrusted as error:
        return Refused(error.reason.value, error.text)
    return None


def _verified(public: bytes, signature: bytes, signed: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed)
    except (InvalidSignature, ValueError):
        return False
    return True
