"""Asking to join: six digits that nobody in between can choose."""

from __future__ import annotations

import pytest

from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.pairing import (
    LASTS,
    MOST_TRIES,
    Asking,
    Desk,
    Request,
    Step,
    answered,
    approve,
    asked,
    commitment,
    digits,
    expired_out,
    reject,
    revealed,
)
from appliance.mesh.identity.signing import public_of
from appliance.mesh.types import Role
from tests.unit.mesh.identity.people import DAY, NOW, bytes_of, key_of, node_of, serial_of

OURS = public_of(key_of("anna"))
THEIRS = public_of(key_of("bert"))
SERIAL = serial_of("bert")


def request(name: str = "bert", now: int = NOW, *, role: Role = Role.NODE, said: str = "Bert's box") -> Request:
    key = public_of(key_of(name))
    return Request(
        key=key,
        name=said,
        role=role,
        address="192.168.1.7",
        commitment=commitment(key, bytes_of(f"{name}'s")),
        nonce=bytes_of(f"ours for {name} at {now}"),
        asked_at=now,
        until=now + LASTS,
    )


def desk(*requests: Request) -> Desk:
    found = Desk()
    for one in requests or (request(),):
        found = asked(found, one, frozenset())
    return found


def shown(name: str = "bert", *, role: Role = Role.NODE) -> Desk:
    return revealed(desk(request(name, role=role)), OURS, node_of(name), bytes_of(f"{name}'s"), NOW)


def why(raised: pytest.ExceptionInfo[Untrusted]) -> str:
    assert raised.value.text.endswith(".")
    return raised.value.reason


def test_both_boxes_show_the_same_digits() -> None:
    """Six of them, on both ends, once both nonces are known."""
    ours = shown().find(node_of("bert"))
    assert ours is not None
    asking = Asking(THEIRS, bytes_of("bert's"), OURS).promised(commitment(OURS, ours.nonce)).revealed(ours.nonce)
    assert ours.step is Step.WAITING
    assert ours.digits == asking.digits
    assert len(asking.digits) == 6
    assert asking.digits.isdecimal()


def test_somebody_in_between_shows_other_digits() -> None:
    """Whatever nonces he passes on: his keys are not theirs."""
    asking, ours = bytes_of("asking"), bytes_of("ours")
    middle = public_of(key_of("middle"))
    assert digits(THEIRS, middle, asking, ours) != digits(middle, OURS, asking, ours)


def test_nobody_can_choose_his_number_afterwards() -> None:
    """Each end is held to the hash that it sent before it saw anything."""
    with pytest.raises(Untrusted) as raised:
        revealed(desk(), OURS, node_of("bert"), bytes_of("a better one"), NOW)
    assert why(raised) == Reason.PROOF
    with pytest.raises(Untrusted) as raised:
        Asking(THEIRS, bytes_of("bert's"), OURS).promised(commitment(OURS, bytes_of("one"))).revealed(bytes_of("two"))
    assert why(raised) == Reason.PROOF


def test_a_reflected_promise_is_noticed() -> None:
    """The hash names its key: sending ours back does not open with our nonce."""
    mirror = Asking(THEIRS, bytes_of("bert's"), OURS).promised(commitment(THEIRS, bytes_of("bert's")))
    with pytest.raises(Untrusted) as raised:
        mirror.revealed(bytes_of("bert's"))
    assert why(raised) == Reason.PROOF


def test_a_promise_is_given_once() -> None:
    """On both sides; and nothing opens before it."""
    with pytest.raises(Untrusted):
        Asking(THEIRS, bytes_of("bert's"), OURS).promised(bytes(32)).promised(bytes(32))
    with pytest.raises(Untrusted):
        Asking(THEIRS, bytes_of("bert's"), OURS).revealed(bytes(32))
    with pytest.raises(Untrusted):
        revealed(shown(), OURS, node_of("bert"), bytes_of("bert's"), NOW)


def test_nothing_is_confirmed_before_it_is_seen() -> None:
    """A person says that the digits are the same; there have to be some."""
    asking = Asking(THEIRS, bytes_of("bert's"), OURS).promised(commitment(OURS, bytes_of("n")))
    assert not asking.confirm().confirmed
    assert asking.revealed(bytes_of("n")).confirm().confirmed


def test_an_approved_request_is_answered() -> None:
    """Twice too, when the answer was lost; a second click changes nothing."""
    done = approve(shown(), node_of("bert"), SERIAL, NOW, may_invite=True)
    assert approve(done, node_of("bert"), serial_of("other"), NOW) == done
    request = answered(done, node_of("bert"), NOW)
    assert (request.step, request.serial, request.may_invite) == (Step.APPROVED, SERIAL, True)


def test_an_approval_at_the_last_moment_can_still_be_fetched() -> None:
    """The box that asks looks every now and then."""
    late = NOW + LASTS
    assert answered(approve(shown(), node_of("bert"), SERIAL, late), node_of("bert"), late + LASTS).serial == SERIAL


def test_a_request_waits_until_somebody_answers() -> None:
    """And is told so."""
    for waiting in (desk(), shown()):
        with pytest.raises(Untrusted) as raised:
            answered(waiting, node_of("bert"), NOW)
        assert why(raised) == Reason.WAITING


def test_nothing_is_approved_unseen() -> None:
    """Before the digits are there nobody can have compared them."""
    with pytest.raises(Untrusted) as raised:
        approve(desk(), node_of("bert"), SERIAL, NOW)
    assert why(raised) == Reason.WAITING


def test_a_rejected_request_learns_it() -> None:
    """And is not approved by a second click."""
    no = reject(shown(), node_of("bert"), NOW)
    with pytest.raises(Untrusted) as raised:
        answered(no, node_of("bert"), NOW)
    assert why(raised) == Reason.REJECTED
    with pytest.raises(Untrusted):
        approve(no, node_of("bert"), SERIAL, NOW)


def test_a_client_is_not_approved_as_an_inviter() -> None:
    """It computes nothing and vouches for nobody."""
    with pytest.raises(Untrusted) as raised:
        approve(shown(role=Role.CLIENT), node_of("bert"), SERIAL, NOW, may_invite=True)
    assert why(raised) == Reason.NO_RIGHT


def test_requests_are_forgotten_after_ten_minutes() -> None:
    """Unanswered ones, on the page and for the box that asked."""
    late = NOW + LASTS + 1
    assert expired_out(shown(), late) == Desk()
    with pytest.raises(Untrusted) as raised:
        approve(shown(), node_of("bert"), SERIAL, late)
    assert why(raised) == Reason.UNKNOWN


def test_a_box_has_one_request() -> None:
    """Asking again, after a restart for instance, begins anew with other digits."""
    again = asked(shown(), request(now=NOW + 1), frozenset())
    (only,) = again.requests
    assert (only.step, only.digits) == (Step.COMMITTED, "")


def test_trying_for_digits_is_bounded() -> None:
    """Somebody who wants the digits of another pair has twenty tries in ten minutes, under one name or many."""
    found = Desk()
    for number in range(MOST_TRIES):
        found = asked(found, request(f"pest {number % 3}", NOW + number), frozenset())
    with pytest.raises(Untrusted) as raised:
        asked(found, request("bert", NOW + MOST_TRIES), frozenset())
    assert why(raised) == Reason.FULL
    assert len(found.requests) == 3
    assert asked(found, request("bert", NOW + DAY), frozenset()).find(node_of("bert")) is not None


def test_a_banned_box_is_not_heard() -> None:
    """It does not even take a place."""
    with pytest.raises(Untrusted) as raised:
        asked(Desk(), request(), frozenset({node_of("bert")}))
    assert why(raised) == Reason.BANNED


def test_names_are_made_harmless() -> None:
    """A stranger chooses how it is called."""
    (only,) = desk(request(said="Anna\u202e\nAPPROVED" + "x" * 500)).requests
    assert only.name.startswith("Anna APPROVEDx")
    assert len(only.name) == 64
