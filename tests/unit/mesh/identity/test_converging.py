"""Several boxes that let in, remove, rotate and talk in any order end up with one picture of their mesh."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import combinations

import pytest

from appliance.mesh.identity.belonging import Belonging, followed, found_mesh, refreshed, turned
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.errors import Untrusted
from appliance.mesh.identity.gate import gate
from appliance.mesh.identity.hearing import learn_all
from appliance.mesh.identity.issuing import Admission, issue
from appliance.mesh.identity.owners import Trust
from appliance.mesh.identity.removing import remove
from appliance.mesh.identity.returning import readmit
from appliance.mesh.identity.revocation import Cause, Revocation
from appliance.mesh.identity.roster import Roster, fingerprint, members, pruned, settled, with_records
from appliance.mesh.identity.rotating import rotate
from appliance.mesh.identity.signing import public_of
from appliance.mesh.types import Role
from tests.unit.mesh.identity.people import MESH_KEY, MINUTE, NOW, bytes_of, key_of, node_of, serial_of

Step = tuple[str, int, int]

FOUNDER, BOXES = 0, range(6)
ACTS = ("invite", "invite to invite", "remove", "remove with guests", "ban", "rotate", "meet", "meet")
GROWN = (
    ("invite to invite", 0, 1),
    ("invite to invite", 0, 2),
    ("invite to invite", 1, 3),
    ("invite", 1, 4),
    ("invite", 3, 5),
    ("meet", 1, 3),
    ("meet", 1, 2),
    ("meet", 0, 1),
)


@dataclass(slots=True)
class Box:
    number: int
    belonging: Belonging
    roster: Roster


class Home:
    """Boxes that may or may not have heard of each other's doings."""

    def __init__(self) -> None:
        self.now = NOW
        belonging, roster = found_mesh(MESH_KEY, key_of("0"), "home", serial_of("0"), NOW)
        self.boxes = {FOUNDER: Box(FOUNDER, belonging, roster)}

    def act(self, what: str, one: int, other: int) -> None:
        self.now += MINUTE
        if one not in self.boxes or one == other:
            return
        match what.split():
            case ["invite", *more]:
                self._invite(self.boxes[one], other, may_invite=bool(more))
            case ["remove" | "ban" as verb, *more] if other != FOUNDER:
                cause = Cause.BANNED if verb == "ban" else Cause.REMOVED
                self._remove(self.boxes[one], other, cause, with_its_guests=bool(more))
            case ["rotate"] if one == FOUNDER:
                self._rotate(self.boxes[one])
            case ["meet"] if other in self.boxes:
                self.meet(self.boxes[one], self.boxes[other])

    def _invite(self, by: Box, number: int, *, may_invite: bool) -> None:
        issuer = by.belonging.issuer(key_of(str(by.number)))
        if issuer is None or number in self.boxes:
            return
        serial, let_in_by = bytes_of(f"{number} at {self.now}", 12), node_of(str(by.number))
        admission = Admission(public_of(key_of(str(number))), serial, Role.NODE, may_invite, let_in_by, self.now)
        try:
            certificate = issue(issuer, by.belonging.anchor, admission, self.now)
        except Untrusted:
            return  # it missed a rotation
        by.roster = with_records(by.roster, certificate)
        joined = Belonging(by.belonging.anchor, "home", certificate)
        self.boxes[number] = Box(number, joined, with_records(Roster(), certificate))

    def _remove(self, by: Box, number: int, cause: Cause, *, with_its_guests: bool) -> None:
        issuer, anchor = by.belonging.issuer(key_of(str(by.number))), by.belonging.anchor
        if issuer is None:
            return
        try:
            said = remove(
                issuer, anchor, by.roster, node_of(str(number)), self.now, cause=cause, with_its_guests=with_its_guests
            )
        except Untrusted:
            return  # not known here, or out already
        by.roster = with_records(by.roster, *said)

    def _rotate(self, holder: Box) -> None:
        assert holder.belonging.mesh_key is not None
        new = key_of(f"mesh at {self.now}")
        done = rotate(holder.belonging.anchor, holder.roster, holder.belonging.mesh_key, new, self.now)
        holder.belonging, holder.roster = turned(holder.belonging, new, done), done.roster

    def meet(self, one: Box, other: Box) -> None:
        """Who lags behind asks for a new certificate; then, if both let each other in, they tell each other all."""
        self._renew(one, other)
        self._renew(other, one)
        if self.picture(one) != self.picture(other) and self._open(one, other) and self._open(other, one):
            self._tell(one, other)
            self._tell(other, one)

    def _renew(self, box: Box, at: Box) -> None:
        if at.belonging.anchor.generation < box.belonging.anchor.generation:
            return
        issuer = at.belonging.issuer(key_of(str(at.number)))
        shown, key = box.belonging.certificate, public_of(key_of(str(box.number)))
        try:
            given = readmit(at.roster, at.belonging.anchor, issuer, shown, key, self.now)
        except Untrusted:
            return
        box.belonging = followed(box.belonging, at.belonging.anchor.rotations)
        at.roster, box.roster = with_records(at.roster, given), with_records(box.roster, given)
        box.belonging = refreshed(box.belonging, box.roster)

    def _open(self, at: Box, to: Box) -> bool:
        try:
            gate(at.belonging.anchor, at.roster, Trust())(to.belonging.certificate, self.now)
        except Untrusted:
            return False
        return True

    def _tell(self, source: Box, target: Box) -> None:
        target.belonging = followed(target.belonging, source.belonging.anchor.rotations)
        said = settled(source.roster, source.belonging.anchor, self.now)
        records: list[Certificate | Revocation] = [*said.certificates.values(), *said.revocations.values()]
        records.append(source.belonging.certificate)
        heard, _ = learn_all(target.roster, target.belonging.anchor, records, self.now)
        target.roster = pruned(heard, target.belonging.anchor, self.now)
        target.belonging = refreshed(target.belonging, target.roster)

    def all_talk(self) -> None:
        for one, other in [*combinations(self.boxes.values(), 2)] * 3:
            self.meet(one, other)

    def inside(self) -> list[Box]:
        """Who is let in by the founder's box."""
        founder = self.boxes[FOUNDER]
        return [box for box in self.boxes.values() if box is founder or self._open(founder, box)]

    def picture(self, box: Box) -> tuple[frozenset[str], bytes]:
        anchor = box.belonging.anchor
        listed = frozenset(one.node for one in members(box.roster, anchor, self.now))
        return listed, fingerprint(settled(box.roster, anchor, self.now))


def drawn(seed: int) -> list[Step]:
    chance = random.Random(seed)
    return [(chance.choice(ACTS), chance.choice(BOXES), chance.choice(BOXES)) for _ in range(chance.randint(1, 14))]


CASES = {
    "two remove each other": [("remove", 1, 2), ("remove", 2, 1)],
    "removed between two rotations": [("rotate", 0, 1), ("remove with guests", 2, 1), ("rotate", 0, 1), ("ban", 0, 1)],
    **{f"seed {seed}": drawn(seed) for seed in range(30)},
}


@pytest.mark.parametrize("steps", CASES.values(), ids=CASES)
def test_all_end_up_with_one_picture(steps: list[Step]) -> None:
    """Once they have talked: the same members, the same fingerprint, and each member among them is let in by all."""
    home = Home()
    for step in (*GROWN, *steps):
        home.act(*step)
    home.all_talk()
    inside = home.inside()
    pictures = {home.picture(box) for box in inside}
    assert len(pictures) == 1
    (listed, _) = pictures.pop()
    assert {node_of(str(box.number)) for box in inside} == listed
