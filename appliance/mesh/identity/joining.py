"""The conversation of a visitor: with an invitation, with a request, or with a certificate that has to be renewed.

The visitor asks, the box answers, one frame each. `answer` is one step from what the box knows to what it knows then;
that is stored before the reply goes out, so that nothing is given twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Annotated

from msgspec import Meta, Struct

from appliance.mesh.identity import certificate as certificates
from appliance.mesh.identity import invites, pairing
from appliance.mesh.identity.anchor import Anchor, Rotations, follow_all, founded
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.coding import SERIAL_BYTES, Digest, Key, NodeId, Nonce, pack, unpack
from appliance.mesh.identity.errors import Malformed, Reason, Untrusted
from appliance.mesh.identity.frames import BEFORE_TRUST
from appliance.mesh.identity.handshake import NONCE_BYTES, Peer
from appliance.mesh.identity.issuing import Admission, Issuer, issue
from appliance.mesh.identity.messages import Refusal
from appliance.mesh.identity.returning import readmit
from appliance.mesh.identity.revocation import Cause
from appliance.mesh.identity.roster import Roster, banned, judged, with_records
from appliance.mesh.identity.tokens import INVITE_BYTES, LONGEST_NAME, Token
from appliance.mesh.identity.verifying import verify
from appliance.mesh.plain import plain
from appliance.mesh.types import Role
from appliance.storage.identity import id_of

Draw = Callable[[int], bytes]  # that many random bytes
_Name = Annotated[str, Meta(max_length=4 * LONGEST_NAME)]


class Redeem(Struct, frozen=True, tag="redeem", tag_field="t"):
    mesh: NodeId
    invite: Annotated[bytes, Meta(min_length=INVITE_BYTES, max_length=INVITE_BYTES)]
    secret: Annotated[bytes, Meta(min_length=16, max_length=64)]


class Renew(Struct, frozen=True, tag="renew", tag_field="t"):
    certificate: Annotated[bytes, Meta(max_length=certificates.MOST_BYTES)]


class Ask(Struct, frozen=True, tag="ask", tag_field="t"):
    commitment: Digest
    name: _Name
    role: Role


class Reveal(Struct, frozen=True, tag="reveal", tag_field="t"):
    nonce: Nonce


class Wait(Struct, frozen=True, tag="wait", tag_field="t"):
    """Was the request approved?"""


class Promise(Struct, frozen=True, tag="promise", tag_field="t"):
    commitment: Digest
    mesh: NodeId
    name: _Name


class Revealed(Struct, frozen=True, tag="revealed", tag_field="t"):
    nonce: Nonce


class Admitted(Struct, frozen=True, tag="admitted", tag_field="t"):
    certificate: Annotated[bytes, Meta(max_length=certificates.MOST_BYTES)]
    first_key: Key  # of the mesh
    rotations: Rotations
    name: _Name


Question = Redeem | Renew | Ask | Reveal | Wait
Answer = Promise | Revealed | Admitted | Refusal


@dataclass(frozen=True, slots=True)
class Office:
    """What a box needs to know to let others in."""

    own_key: bytes
    anchor: Anchor
    name: str  # of the mesh
    issuer: Issuer | None = None  # None: this box may not invite
    roster: Roster = field(default_factory=Roster)
    book: invites.Book = field(default_factory=invites.Book)
    desk: pairing.Desk = field(default_factory=pairing.Desk)


@dataclass(frozen=True, slots=True)
class Caller:
    peer: Peer
    address: str
    now: int
    draw: Draw


def answer(office: Office, caller: Caller, payload: bytes) -> tuple[Office, Answer]:
    """Never raises: what is wrong or not allowed is answered with a refusal, and changes nothing."""
    try:
        return _answer(office, caller, unpack(payload, Question, BEFORE_TRUST))  # type: ignore[arg-type]
    except Malformed as error:
        text = f"What was asked cannot be read: {plain(str(error), 300)}."
        return office, Refusal(Reason.GARBAGE.value, text)
    except Untrusted as error:
        return office, Refusal(error.reason.value, error.text)


def _answer(office: Office, caller: Caller, question: Question) -> tuple[Office, Answer]:
    match question:
        case Redeem():
            return _redeem(office, caller, question)
        case Renew():
            return _renew(office, caller, certificates.decode(question.certificate))
        case Ask():
            return _ask(office, caller, question)
        case Reveal(nonce):
            return _reveal(office, caller, nonce)
        case Wait():
            request = pairing.answered(office.desk, caller.peer.node, caller.now)
            return _admit(office, caller, request.serial, request.role, may_invite=request.may_invite)


def _redeem(office: Office, caller: Caller, question: Redeem) -> tuple[Office, Answer]:
    if question.mesh != office.anchor.mesh:
        raise Untrusted(
            Reason.OTHER_MESH, "This invitation is for another mesh than the one of that box. Ask for a new one."
        )
    _check_welcome(office, caller, b"")
    book, invite, use = invites.redeem(
        office.book, question.invite, question.secret, caller.peer.node, caller.draw(SERIAL_BYTES), caller.now
    )
    return _admit(replace(office, book=book), caller, use.serial, invite.role, may_invite=invite.may_invite)


def _renew(office: Office, caller: Caller, shown: Certificate) -> tuple[Office, Answer]:
    given = readmit(office.roster, office.anchor, office.issuer, shown, caller.peer.key, caller.now)
    return _given(office, given)


def _ask(office: Office, caller: Caller, question: Ask) -> tuple[Office, Answer]:
    if office.issuer is None:
        raise Untrusted(Reason.NO_RIGHT, "That box may not let others in. Ask at one that may invite.")
    nonce = caller.draw(NONCE_BYTES)
    request = pairing.Request(
        key=caller.peer.key,
        name=question.name,
        role=question.role,
        address=caller.address,
        commitment=question.commitment,
        nonce=nonce,
        asked_at=caller.now,
        until=caller.now + pairing.LASTS,
    )
    desk = pairing.asked(office.desk, request, banned(office.roster, office.anchor, caller.now))
    promise = Promise(pairing.commitment(office.own_key, nonce), office.anchor.mesh, office.name)
    return replace(office, desk=desk), promise


def _reveal(office: Office, caller: Caller, nonce: bytes) -> tuple[Office, Answer]:
    desk = pairing.revealed(office.desk, office.own_key, caller.peer.node, nonce, caller.now)
    request = desk.find(caller.peer.node)
    assert request is not None  # noqa: S101 - `revealed` has just changed it
    return replace(office, desk=desk), Revealed(request.nonce)


def _admit(office: Office, caller: Caller, serial: bytes, role: Role, *, may_invite: bool) -> tuple[Office, Answer]:
    """The certificate of an admission: the one that is there already, or a new one."""
    node = caller.peer.node
    _check_welcome(office, caller, serial)
    before = office.roster.certificates.get((node, serial))
    if before is not None:
        return _renew(office, caller, before)
    if office.issuer is None:
        raise Untrusted(Reason.NO_RIGHT, "That box may not let others in any more. Ask at one that may invite.")
    admission = Admission(caller.peer.key, serial, role, may_invite, id_of(office.own_key), caller.now)
    return _given(office, issue(office.issuer, office.anchor, admission, caller.now))


def _check_welcome(office: Office, caller: Caller, serial: bytes) -> None:
    match judged(office.roster, office.anchor, caller.now).cause(caller.peer.node, serial):
        case Cause.BANNED:
            raise Untrusted(Reason.BANNED, "This box is banned from that mesh.")
        case Cause.REMOVED | Cause.LEFT:
            raise Untrusted(
                Reason.REMOVED, "This box was let in by that invitation and is out again. Ask for a new invitation."
            )


def _given(office: Office, certificate: Certificate) -> tuple[Office, Answer]:
    anchor = office.anchor
    admitted = Admitted(certificate.encoded(), anchor.keys[0], anchor.rotations, office.name)
    return replace(office, roster=with_records(office.roster, certificate)), admitted


@dataclass(frozen=True, slots=True)
class Joined:
    """What the visitor keeps once it was let in."""

    anchor: Anchor
    certificate: Certificate
    name: str


def read(payload: bytes) -> Answer:
    """What came back; raises Malformed. The words of a refusal are made plain."""
    said: Answer = unpack(payload, Answer, BEFORE_TRUST)  # type: ignore[arg-type]
    return said.shown() if isinstance(said, Refusal) else said


def joined(admitted: Admitted, own_key: bytes, meant: str | Anchor, now: int) -> Joined:
    """Checks what was given against the mesh that was meant; raises Malformed or Untrusted.

    `meant` is the id of a mesh that is new to this box, or what it knows of the one it belongs to.
    """
    known = meant if isinstance(meant, Anchor) else founded(admitted.first_key)
    if id_of(admitted.first_key) != (meant.mesh if isinstance(meant, Anchor) else meant):
        raise Untrusted(Reason.OTHER_MESH, "That box let us into another mesh than the one that was meant.")
    anchor = follow_all(known, admitted.rotations)
    certificate = certificates.decode(admitted.certificate)
    if certificate.claims.key != own_key:
        raise Untrusted(Reason.WRONG_NODE, "That box gave us the certificate of another one.")
    verify(certificate, anchor, now)
    return Joined(anchor, certificate, plain(admitted.name, LONGEST_NAME))


def by_token(token: Token) -> Redeem:
    return Redeem(token.mesh, token.invite, token.secret)


def asking(own_key: bytes, their_key: bytes, nonce: bytes, name: str, role: Role) -> tuple[pairing.Asking, Ask]:
    """Begins a request to join."""
    ask = Ask(pairing.commitment(own_key, nonce), plain(name, LONGEST_NAME), role)
    return pairing.Asking(own_key, nonce, their_key), ask


def encoded(said: Question | Answer) -> bytes:
    return pack(said)
