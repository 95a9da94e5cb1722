"""Asking to join without an invitation: both boxes show the same six digits, and a person compares them.

Each end first sends only a hash of its nonce, and the nonce itself when it has the other's hash. The digits come from
both nonces and both node keys. Somebody in between has keys of his own, so that the two boxes show different digits,
and he is bound to his nonces before he can see which would fit: one chance in a million a try, and twenty tries in ten
minutes, whoever makes them.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass, replace
from enum import StrEnum

from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.signing import Domain
from appliance.mesh.plain import plain
from appliance.mesh.types import Role
from appliance.storage.identity import id_of

MOST_TRIES = 20  # in `LASTS`, of all boxes together
LASTS = 10 * 60 * 1000  # ms
LONGEST_NAME = 64


class Step(StrEnum):
    COMMITTED = "committed"  # both hashes are known, the nonces are not
    WAITING = "waiting"  # the digits are shown
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Request:
    """A box that asks to be let in, as the box that is asked sees it."""

    key: bytes
    name: str  # as it calls itself
    role: Role
    address: str  # where it called from
    commitment: bytes
    nonce: bytes  # our own
    asked_at: int
    until: int  # then it is forgotten
    step: Step = Step.COMMITTED
    digits: str = ""
    may_invite: bool = False  # decided with the approval
    serial: bytes = b""  # of the admission, from the approval on

    @property
    def node(self) -> str:
        return id_of(self.key)


@dataclass(frozen=True, slots=True)
class Desk:
    """All requests, the oldest first."""

    requests: tuple[Request, ...] = ()
    tries: tuple[int, ...] = ()  # when somebody asked, answered or not: each drew new digits

    def find(self, node: str) -> Request | None:
        return next((one for one in self.requests if one.node == node), None)


def commitment(key: bytes, nonce: bytes) -> bytes:
    return hashlib.sha256(Domain.COMMITMENT.value + key + nonce).digest()


def digits(asking: bytes, asked: bytes, asking_nonce: bytes, asked_nonce: bytes) -> str:
    """From both keys and both nonces, each of one length."""
    drawn = hashlib.sha256(Domain.DIGITS.value + asking + asked + asking_nonce + asked_nonce).digest()
    return f"{int.from_bytes(drawn[:16], 'big') % 1_000_000:06}"


def asked(desk: Desk, request: Request, banned: frozenset[str]) -> Desk:
    """The desk with a new request. One that a box has already is replaced, and its digits with it."""
    if request.node in banned:
        raise Untrusted(Reason.BANNED, "This mesh does not take requests from that box.")
    desk = expired_out(desk, request.asked_at)
    if len(desk.tries) >= MOST_TRIES:
        raise Untrusted(Reason.FULL, "Too many boxes ask to join at the moment. Try again in ten minutes.")
    others = tuple(one for one in desk.requests if one.node != request.node)
    named = replace(request, name=plain(request.name, LONGEST_NAME), address=plain(request.address, LONGEST_NAME))
    return Desk((*others, named), (*desk.tries, request.asked_at))


def revealed(desk: Desk, own_key: bytes, node: str, nonce: bytes, now: int) -> Desk:
    """The asking box has opened its hash: from now on a person sees the digits."""
    request = _pending(desk, node, now)
    if request.step is not Step.COMMITTED:
        raise Untrusted(Reason.GARBAGE, "That box has shown its number already.")
    if not hmac.compare_digest(commitment(request.key, nonce), request.commitment):
        raise Untrusted(Reason.PROOF, "That box did not show the number it had promised. Ask again.")
    shown = digits(request.key, own_key, nonce, request.nonce)
    return _with(desk, replace(request, step=Step.WAITING, digits=shown))


def approve(desk: Desk, node: str, serial: bytes, now: int, *, may_invite: bool = False) -> Desk:
    """A second click changes nothing: an answer that was lost may be asked for again."""
    request = _pending(desk, node, now)
    if request.step is Step.COMMITTED:
        raise Untrusted(Reason.WAITING, "The digits of that box are not there yet. Wait a moment.")
    if request.step is Step.REJECTED:
        raise Untrusted(Reason.REJECTED, "That request was declined already. Let the box ask again.")
    if request.step is Step.APPROVED:
        return desk
    if may_invite and request.role is not Role.NODE:
        raise Untrusted(Reason.NO_RIGHT, "A client cannot be given the right to invite.")
    approved = replace(request, step=Step.APPROVED, may_invite=may_invite, serial=serial, until=now + LASTS)
    return _with(desk, approved)


def reject(desk: Desk, node: str, now: int) -> Desk:
    """It stays on the desk, so that the asking box learns it. A ban is a removal besides."""
    return _with(desk, replace(_pending(desk, node, now), step=Step.REJECTED, until=now + LASTS))


def answered(desk: Desk, node: str, now: int) -> Request:
    """The request of a box once it was approved; raises Untrusted with what to tell it while or if it was not."""
    request = _pending(desk, node, now)
    if request.step is Step.REJECTED:
        raise Untrusted(Reason.REJECTED, "The other box declined the request.")
    if request.step is not Step.APPROVED:
        raise Untrusted(Reason.WAITING, "The request waits for somebody to approve it at the other box.")
    return request


def expired_out(desk: Desk, now: int) -> Desk:
    return Desk(
        tuple(one for one in desk.requests if now <= one.until),
        tuple(at for at in desk.tries if now - at <= LASTS),
    )


def _pending(desk: Desk, node: str, now: int) -> Request:
    request = expired_out(desk, now).find(node)
    if request is None:
        raise Untrusted(Reason.UNKNOWN, "There is no such request, or it is older than ten minutes. Ask again.")
    return request


def _with(desk: Desk, changed: Request) -> Desk:
    return replace(desk, requests=tuple(changed if one.node == changed.node else one for one in desk.requests))


@dataclass(frozen=True, slots=True)
class Asking:
    """The other end: this box asks. `theirs` is the hash that the asked box promised its nonce by."""

    key: bytes
    nonce: bytes
    their_key: bytes
    theirs: bytes = b""
    digits: str = ""
    confirmed: bool = False  # somebody at this box has seen that the digits are the same

    def promised(self, theirs: bytes) -> Asking:
        if self.theirs:
            raise Untrusted(Reason.GARBAGE, "The other box changed its number. Ask again.")
        return replace(self, theirs=theirs)

    def revealed(self, nonce: bytes) -> Asking:
        if not self.theirs or not hmac.compare_digest(commitment(self.their_key, nonce), self.theirs):
            raise Untrusted(Reason.PROOF, "The other box did not show the number it had promised. Ask again.")
        return replace(self, digits=digits(self.key, self.their_key, self.nonce, nonce))

    def confirm(self) -> Asking:
        return replace(self, confirmed=bool(self.digits))
