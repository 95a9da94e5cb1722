"""The invitations that this box made: who may come in by which, how often and until when.

Of a secret only the hash is kept. Using one is a single step from one book to the next, and a box whose answer was lost
asks again and gets the same admission.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from appliance.mesh.identity.coding import Digest, Millis, NodeId, Serial, pack, unpack
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.signing import Domain
from appliance.mesh.identity.tokens import INVITE_BYTES
from appliance.mesh.identity.verifying import span
from appliance.mesh.types import Role

MOST_INVITES = 200
MOST_USES = 1000
KEPT = 7 * 24 * 3600 * 1000  # ms in which an invitation that ended stays on the list
MOST_BYTES = 16 << 20


class State(StrEnum):
    VALID = "valid"
    EXPIRED = "expired"
    USED_UP = "used_up"
    WITHDRAWN = "withdrawn"


class Use(Struct, frozen=True, array_like=True):
    node: NodeId
    serial: Serial  # of the admission it led to
    at: Millis


class Invite(Struct, frozen=True):
    id: Annotated[bytes, Meta(min_length=INVITE_BYTES, max_length=INVITE_BYTES)]
    secret_hash: Digest
    role: Role
    made_at: Millis
    expires: Millis
    uses: Annotated[int, Meta(ge=1, le=MOST_USES)]
    may_invite: bool = False
    used: Annotated[tuple[Use, ...], Meta(max_length=MOST_USES)] = ()
    withdrawn_at: Millis | None = None

    def state(self, now: int) -> State:
        if self.withdrawn_at is not None:
            return State.WITHDRAWN
        if len(self.used) >= self.uses:
            return State.USED_UP
        return State.EXPIRED if now > self.expires else State.VALID


class Book(Struct, frozen=True):
    invites: Annotated[tuple[Invite, ...], Meta(max_length=MOST_INVITES)] = ()  # in the order in which they were made

    def find(self, invite: bytes) -> Invite | None:
        return next((one for one in self.invites if one.id == invite), None)


@dataclass(frozen=True, slots=True)
class InviteView:
    """For the page; nothing in it opens anything."""

    id: str
    role: Role
    may_invite: bool
    state: State
    made_at: int
    expires: int
    uses: int
    used_by: tuple[tuple[str, int], ...]  # nodes, and when


def hash_of(secret: bytes) -> bytes:
    return hashlib.sha256(Domain.SECRET.value + secret).digest()


def add(book: Book, invite: Invite) -> Book:
    """Makes room by forgetting what ended; raises Untrusted when there is none."""
    if invite.may_invite and invite.role is not Role.NODE:
        raise Untrusted(Reason.NO_RIGHT, "A client cannot be given the right to invite.")
    book = tidied(book, invite.made_at)
    if len(book.invites) >= MOST_INVITES:
        raise Untrusted(Reason.FULL, f"There are {MOST_INVITES} open invitations. Withdraw some first.")
    return Book((*book.invites, invite))


def withdraw(book: Book, invite: bytes, now: int) -> Book:
    """Whom it let in stays; raises Untrusted for one that is not there."""
    found = book.find(invite)
    if found is None:
        raise Untrusted(Reason.UNKNOWN, "There is no such invitation.")
    if found.withdrawn_at is not None:
        return book
    return _with(book, msgspec.structs.replace(found, withdrawn_at=now))


def redeem(book: Book, invite: bytes, secret: bytes, node: str, serial: bytes, now: int) -> tuple[Book, Invite, Use]:
    """The book after this use, and the admission that the node gets: `serial` if it is a new one, else that of before.

    Raises Untrusted. Who does not know the secret learns nothing about the invitation.
    """
    found = book.find(invite)
    known = found.secret_hash if found is not None else bytes(32)
    if not hmac.compare_digest(known, hash_of(secret)) or found is None:
        raise Untrusted(
            Reason.UNKNOWN, "This invitation is not known at that box, or was made for another. Ask for a new one."
        )
    before = next((use for use in found.used if use.node == node), None)
    if before is not None and found.withdrawn_at is None:
        return book, found, before
    _check(found, now)
    use = Use(node, serial, now)
    used = msgspec.structs.replace(found, used=(*found.used, use))
    return _with(book, used), used, use


def listed(book: Book, now: int) -> tuple[InviteView, ...]:
    """The newest first."""
    return tuple(
        InviteView(
            one.id.hex(),
            one.role,
            one.may_invite,
            one.state(now),
            one.made_at,
            one.expires,
            one.uses,
            tuple((use.node, use.at) for use in one.used),
        )
        for one in reversed(book.invites)
    )


def tidied(book: Book, now: int) -> Book:
    return Book(tuple(one for one in book.invites if not _forgotten(one, now)))


def encoded(book: Book) -> bytes:
    return pack(book)


def decoded(data: bytes) -> Book:
    """What this box stored; raises Malformed."""
    return unpack(data, Book, MOST_BYTES)


def _check(invite: Invite, now: int) -> None:
    match invite.state(now):
        case State.WITHDRAWN:
            raise Untrusted(Reason.WITHDRAWN, "This invitation was withdrawn. Ask for a new one.")
        case State.USED_UP:
            raise Untrusted(Reason.USED_UP, "This invitation was used as often as it may be. Ask for a new one.")
        case State.EXPIRED:
            ago = span(now - invite.expires)
            raise Untrusted(Reason.EXPIRED, f"This invitation ended {ago} ago. Ask for a new one.")


def _forgotten(invite: Invite, now: int) -> bool:
    ended = min(invite.expires, invite.withdrawn_at or invite.expires)
    return now - ended > KEPT


def _with(book: Book, changed: Invite) -> Book:
    return Book(_replaced(book.invites, changed))


def _replaced(invites: Iterable[Invite], changed: Invite) -> tuple[Invite, ...]:
    return tuple(changed if one.id == changed.id else one for one in invites)
