"""What a person decides at this box: who may come in, who has to go, a new mesh key. What is not done is `Refused`."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.identity import invites, pairing
from appliance.mesh.identity.anchor import OVERLAP
from appliance.mesh.identity.belonging import turned
from appliance.mesh.identity.coding import SERIAL_BYTES
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.invites import Invite, InviteView
from appliance.mesh.identity.issuing import Issuer
from appliance.mesh.identity.pairing import Request
from appliance.mesh.identity.removing import remove
from appliance.mesh.identity.revocation import Cause, Removal, Revocation, revoke
from appliance.mesh.identity.roster import Member, members, with_records
from appliance.mesh.identity.rotating import rotate
from appliance.mesh.identity.tokens import INVITE_BYTES, MOST_ADDRESSES, SECRET_BYTES, Token, written
from appliance.mesh.service.keeping import Keeper
from appliance.mesh.service.outcome import TROUBLES, Refused, refused
from appliance.mesh.service.papers import Papers, now_ms
from appliance.mesh.types import Role

DAY = 24 * 3600 * 1000


@dataclass(frozen=True, slots=True)
class Wish:
    """An invitation as it is asked for."""

    role: Role = Role.NODE
    lasts: int = DAY  # ms
    uses: int = 1
    may_invite: bool = False


@dataclass(frozen=True, slots=True)
class Around:
    """What deciding needs of the rest of the service."""

    addresses: Callable[[], Awaitable[tuple[str, ...]]]  # where this box can be reached; makes it listen
    settle: Callable[[], None]
    tell: Callable[[str, Revocation], None]  # the box that is removed, while it still listens


class Owner:
    def __init__(self, papers: Papers, keeper: Keeper, around: Around) -> None:
        self._papers, self._keeper, self._around = papers, keeper, around

    # Invitations:

    async def invite(self, wish: Wish = Wish()) -> str | Refused:
        """The token, which is shown this once."""
        try:
            self._issuer()
            addresses = await self._around.addresses()
            now, papers = now_ms(), self._papers
            secret, name = os.urandom(SECRET_BYTES), os.urandom(INVITE_BYTES)
            made = Invite(name, invites.hash_of(secret), wish.role, now, now + wish.lasts, wish.uses, wish.may_invite)
            papers.write(invites.add(papers.book, made))
            await self._keep()
        except TROUBLES as error:
            return refused(error)
        mesh, where = papers.belonging.anchor.mesh, addresses[:MOST_ADDRESSES]
        return written(Token(name, secret, mesh, papers.node, where, wish.role, made.expires, papers.belonging.name))

    def invitations(self) -> tuple[InviteView, ...]:
        return invites.listed(self._papers.book, now_ms())

    async def withdraw(self, invite: str) -> Refused | None:
        """By the id on the list. Whom it let in stays."""
        try:
            name = bytes.fromhex(invite)
        except ValueError:
            return Refused(Reason.UNKNOWN.value, "There is no such invitation.")
        try:
            self._papers.write(invites.withdraw(self._papers.book, name, now_ms()))
            await self._keep()
        except TROUBLES as error:
            return refused(error)
        return None

    # Boxes that ask to come in:

    def requests(self) -> tuple[Request, ...]:
        """Those whose digits are there and that nobody has decided on."""
        desk = pairing.expired_out(self._papers.desk, now_ms())
        return tuple(one for one in desk.requests if one.step is pairing.Step.WAITING)

    def approve(self, node: str, *, may_invite: bool = False) -> Refused | None:
        serial = os.urandom(SERIAL_BYTES)
        try:
            self._issuer()
            desk = pairing.approve(self._papers.desk, node, serial, now_ms(), may_invite=may_invite)
        except Untrusted as error:
            return refused(error)
        self._papers.desk = desk
        return None

    def reject(self, node: str) -> Refused | None:
        try:
            self._papers.desk = pairing.reject(self._papers.desk, node, now_ms())
        except Untrusted as error:
            return refused(error)
        return None

    async def ban(self, node: str) -> Refused | None:
        """A member, or a box that asks: it comes in by no invitation any more."""
        if any(one.node == node for one in self._papers.desk.requests):
            self.reject(node)
        return await self.remove(node, cause=Cause.BANNED)

    # Members:

    def members(self) -> tuple[Member, ...]:
        """Everybody who belongs to the mesh, this box too, there or not."""
        return members(self._papers.roster, self._papers.belonging.anchor, now_ms())

    async def remove(self, node: str, *, cause: Cause = Cause.REMOVED, with_its_guests: bool = False) -> Refused | None:
        papers = self._papers
        if node == papers.node:
            return Refused("itself", "This box cannot remove itself. Leave the mesh instead.")
        try:
            said = remove(
                self._issuer(), papers.belonging.anchor, papers.roster, node, now_ms(),
                cause=cause, with_its_guests=with_its_guests,
            )  # fmt: skip
            papers.turn(papers.belonging, with_records(papers.roster, *said))
            for one in said:  # at once: whatever comes next ends its connections
                self._around.tell(node, one)
            await self._keep()
        except TROUBLES as error:
            return refused(error)
        self._around.settle()
        return None

    async def rotate(self, overlap: int = OVERLAP) -> Refused | None:
        """A new mesh key, and new certificates for all. `overlap` 0: the old key ends at once."""
        papers, new = self._papers, Ed25519PrivateKey.generate()
        old = papers.belonging.mesh_key
        if old is None:
            text = "Only the box that holds the key of the mesh can replace it, which is the one that founded it."
            return Refused(Reason.NO_RIGHT.value, text)
        try:
            done = rotate(papers.belonging.anchor, papers.roster, old, new, now_ms(), overlap)
            papers.turn(turned(papers.belonging, new, done), done.roster)
            await self._keep()
        except TROUBLES as error:
            return refused(error)
        self._around.settle()
        return None

    def goodbye(self) -> Revocation | None:
        """That this box leaves, signed by itself; None when it is out already."""
        papers, belonging = self._papers, self._papers.belonging
        if papers.verdicts.ours is not None:
            return None
        claims = belonging.certificate.claims
        said = Removal(belonging.anchor.mesh, papers.node, claims.serial, Cause.LEFT, now_ms(), claims.generation)
        try:
            return revoke(Issuer(papers.key, belonging.certificate), belonging.anchor, said)
        except Untrusted:
            return None

    def _issuer(self) -> Issuer:
        papers = self._papers
        if papers.verdicts.ours is not None:
            raise Untrusted(Reason.REMOVED, papers.verdicts.ours.text)
        issuer = papers.belonging.issuer(papers.key)
        if issuer is None:
            text = "This box may not let others in or remove them. Do it at the box that founded the mesh."
            raise Untrusted(Reason.NO_RIGHT, text)
        return issuer

    async def _keep(self) -> None:
        await self._keeper.save(self._papers)
