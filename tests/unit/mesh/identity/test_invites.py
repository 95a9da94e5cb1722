"""The invitations that this box made."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.identity.errors import Malformed, Reason, Untrusted
from appliance.mesh.identity.invites import (
    KEPT,
    MOST_INVITES,
    Book,
    Invite,
    State,
    Use,
    add,
    decoded,
    encoded,
    hash_of,
    listed,
    redeem,
    tidied,
    withdraw,
)
from appliance.mesh.types import Role
from tests.unit.mesh.identity.people import DAY, MINUTE, NOW, bytes_of, node_of, serial_of

SECRET = bytes_of("secret", 20)


def invite(
    name: str = "one", *, uses: int = 1, expires: int = NOW + DAY, role: Role = Role.NODE, may: bool = False
) -> Invite:
    return Invite(bytes_of(name, 8), hash_of(SECRET), role, NOW, expires, uses, may)


def book(*made: Invite) -> Book:
    found = Book()
    for one in made or (invite(),):
        found = add(found, one)
    return found


def used(found: Book, who: str, now: int = NOW, name: str = "one", secret: bytes = SECRET) -> tuple[Book, Use]:
    after, _, use = redeem(found, bytes_of(name, 8), secret, node_of(who), serial_of(f"{who} at {now}"), now)
    return after, use


def why(found: Book, who: str = "bert", now: int = NOW, name: str = "one", secret: bytes = SECRET) -> tuple[str, str]:
    with pytest.raises(Untrusted) as caught:
        used(found, who, now, name, secret)
    return caught.value.reason, caught.value.text


def state(found: Book, now: int = NOW) -> State:
    return listed(found, now)[0].state


def test_an_invitation_opens_once() -> None:
    """Or as often as it says."""
    after, use = used(book(), "bert")
    assert use == Use(node_of("bert"), serial_of(f"bert at {NOW}"), NOW)
    assert state(after) is State.USED_UP
    assert why(after, "dora")[0] == Reason.USED_UP
    twice = book(invite(uses=2))
    assert state(used(twice, "bert")[0]) is State.VALID
    assert state(used(used(twice, "bert")[0], "dora")[0]) is State.USED_UP


def test_a_lost_answer_may_be_asked_for_again() -> None:
    """The same box gets the same admission, counts once, and may come late."""
    after, use = used(book(), "bert")
    again, same = used(after, "bert", NOW + 2 * DAY)
    assert (again, same) == (after, use)


def test_an_invitation_ends() -> None:
    """The reason says when."""
    reason, text = why(book(invite(expires=NOW + MINUTE)), now=NOW + 61 * MINUTE)
    assert reason == Reason.EXPIRED
    assert "1 hour ago" in text
    assert state(book(invite(expires=NOW)), NOW + 1) is State.EXPIRED


def test_an_invitation_can_be_withdrawn() -> None:
    """Also from a box that used it and asks again; a second click changes nothing."""
    after, _ = used(book(invite(uses=2)), "bert")
    gone = withdraw(after, bytes_of("one", 8), NOW)
    assert state(gone) is State.WITHDRAWN
    assert (why(gone, "dora")[0], why(gone, "bert")[0]) == (Reason.WITHDRAWN, Reason.WITHDRAWN)
    assert withdraw(gone, bytes_of("one", 8), NOW + DAY) == gone
    with pytest.raises(Untrusted, match="no such invitation"):
        withdraw(gone, bytes_of("two", 8), NOW)


def test_who_does_not_know_the_secret_learns_nothing() -> None:
    """The same words for one that is there, used up or withdrawn, and one that never was."""
    spent = withdraw(used(book(), "bert")[0], bytes_of("one", 8), NOW)
    wrong = bytes_of("guess", 20)
    answers = {
        why(book(), secret=wrong),
        why(spent, secret=wrong),
        why(spent, "bert", secret=wrong),
        why(book(), name="two"),
    }
    assert len(answers) == 1
    assert answers.pop()[0] == Reason.UNKNOWN


def test_the_secret_is_not_kept() -> None:
    """Whoever reads the file cannot use what is in it, and the page is not given it either."""
    found = used(book(invite(uses=2)), "bert")[0]
    assert SECRET not in encoded(found)
    (view,) = listed(found, NOW)
    assert hash_of(SECRET).hex() not in repr(view)
    assert view.used_by == ((node_of("bert"), NOW),)


def test_it_is_stored_and_read_back() -> None:
    """With who used it."""
    found = used(book(invite(uses=2), invite("two", role=Role.CLIENT)), "bert")[0]
    assert decoded(encoded(found)) == found


def test_what_ended_is_forgotten_after_a_week() -> None:
    """Not at once: a person wants to see that it was used."""
    old = book(invite(expires=NOW))
    assert tidied(old, NOW + KEPT) == old
    assert tidied(old, NOW + KEPT + 1) == Book()
    assert tidied(withdraw(book(), bytes_of("one", 8), NOW), NOW + KEPT + 1) == Book()


def test_there_is_an_end_to_invitations() -> None:
    """Too many open ones are no invitations any more."""
    full = book(*(invite(str(number)) for number in range(MOST_INVITES)))
    with pytest.raises(Untrusted, match="Withdraw some"):
        add(full, invite("more"))


def test_a_client_is_not_invited_to_invite() -> None:
    """Refused when it is made, not when somebody uses it."""
    with pytest.raises(Untrusted, match="client"):
        add(Book(), invite(role=Role.CLIENT, may=True))


@given(st.lists(st.sampled_from(["anna", "bert", "carla", "dora"]), max_size=12), st.integers(1, 3))
def test_never_more_boxes_come_in_than_were_invited(callers: list[str], uses: int) -> None:
    """In whatever order they call and repeat themselves."""
    found, serials = book(invite(uses=uses)), dict[str, set[bytes]]()
    for minute, who in enumerate(callers):
        if who not in serials and len(serials) == uses:
            assert why(found, who, NOW + minute)[0] == Reason.USED_UP
            continue
        found, use = used(found, who, NOW + minute)
        serials.setdefault(who, set()).add(use.serial)
    assert len(serials) == min(uses, len(set(callers)))
    assert all(len(given_to_one) == 1 for given_to_one in serials.values())


@given(st.binary(max_size=300))
def test_garbage_is_malformed(data: bytes) -> None:
    """A stored book that cannot be read is named, not replaced."""
    with pytest.raises(Malformed):
        decoded(data)
