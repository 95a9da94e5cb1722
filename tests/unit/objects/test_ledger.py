"""Who may use which object how often and until when, and how much room there is."""

from __future__ import annotations

import pytest

from appliance.objects.ledger import Entry, Ledger
from appliance.objects.tally import End
from appliance.objects.types import (
    LARGEST,
    LIFETIME_SECONDS,
    MIB,
    MOST_KEPT,
    MOST_UPLOADS,
    OWNER,
    USES,
    ObjectProblem,
    Party,
)

ROOM = 512 * MIB
LAPTOP, PHONE, PASSER_BY = Party("laptop", share="laptop"), Party("phone", share="phone"), Party(share="10.0.0.7")


def kept(ledger: Ledger, owner: Party = LAPTOP, size: int = 10, now: float = 0.0, object_id: str = "one") -> Entry:
    upload = ledger.begin(owner.share)
    ledger.grow(upload, size, ROOM)
    return ledger.keep(upload, object_id, owner, "image/png", now)


def refused(ledger: Ledger, asker: Party = LAPTOP, now: float = 0.0, object_id: str = "one") -> str:
    with pytest.raises(ObjectProblem) as caught:
        ledger.take(object_id, asker, now)
    return caught.value.code


def test_it_is_used_three_times() -> None:
    """Then it is gone."""
    ledger = Ledger()
    kept(ledger)
    for _ in range(USES):
        ledger.give_back(ledger.take("one", LAPTOP, 1.0), used=True)
    assert (refused(ledger), ledger.sweep(1.0), ledger.filled) == ("object_not_found", ["one"], 0)


def test_a_request_that_asked_no_engine_used_nothing() -> None:
    """It may be tried again."""
    ledger = Ledger()
    entry = kept(ledger)
    ledger.give_back(ledger.take("one", LAPTOP, 1.0), used=False)
    assert entry.uses_left == USES


def test_uses_under_way_count() -> None:
    """Four requests at once are not let in for three uses."""
    ledger = Ledger()
    kept(ledger)
    for _ in range(USES):
        ledger.take("one", LAPTOP, 0.0)
    assert refused(ledger) == "object_not_found"


def test_it_expires() -> None:
    """At the second it was said to."""
    ledger = Ledger()
    entry = kept(ledger, now=100.0)
    assert entry.expires_at == 100.0 + LIFETIME_SECONDS
    assert ledger.sweep(entry.expires_at - 0.001) == []
    assert (refused(ledger, now=entry.expires_at), ledger.sweep(entry.expires_at)) == ("object_not_found", ["one"])


@pytest.mark.parametrize("how", ["expired", "removed", "used up"])
def test_a_request_keeps_what_it_has_taken(how: str) -> None:
    """Until it is over, whatever happens meanwhile; nobody else gets it."""
    ledger, now = Ledger(), 1.0
    kept(ledger)
    held = [ledger.take("one", LAPTOP, 0.0) for _ in range(USES if how == "used up" else 1)]
    if how == "removed":
        ledger.remove("one", LAPTOP, 0.0)
    elif how == "expired":
        now = LIFETIME_SECONDS
    assert (ledger.sweep(now), refused(ledger, now=now)) == ([], "object_not_found")
    for entry in held:
        ledger.give_back(entry, used=True)
    assert ledger.sweep(now) == ["one"]


@pytest.mark.parametrize(
    ("owner", "asker", "opens"),
    [
        (LAPTOP, LAPTOP, True),
        (LAPTOP, PHONE, False),
        (LAPTOP, PASSER_BY, False),
        (PASSER_BY, PASSER_BY, True),
        (PASSER_BY, Party(share="10.0.0.8"), True),
        (PASSER_BY, PHONE, False),
        (OWNER, PHONE, True),
        (OWNER, PASSER_BY, True),
        (LAPTOP, OWNER, True),
    ],
)
def test_whom_it_opens_to(owner: Party, asker: Party, *, opens: bool) -> None:
    """A key has its own objects; the box's owner may hand out his."""
    ledger = Ledger()
    kept(ledger, owner)
    if opens:
        assert ledger.take("one", asker, 0.0).owner is owner
    else:
        assert refused(ledger, asker) == "object_not_found"


def test_only_those_whom_it_opens_to_remove_it() -> None:
    """Others cannot even tell that it is there."""
    ledger = Ledger()
    kept(ledger)
    with pytest.raises(ObjectProblem, match="There is no object 'one' for you"):
        ledger.remove("one", PHONE, 0.0)
    ledger.remove("one", LAPTOP, 0.0)
    assert ledger.sweep(0.0) == ["one"]


def problem(ledger: Ledger, share: str, size: int, room: int = ROOM) -> tuple[int, str]:
    with pytest.raises(ObjectProblem) as caught:
        ledger.grow(ledger.begin(share), size, room)
    return caught.value.status, caught.value.code


def test_one_object_has_a_limit() -> None:
    """One byte more is too large."""
    ledger = Ledger()
    ledger.grow(ledger.begin("laptop"), LARGEST, ROOM)
    assert problem(ledger, "laptop", LARGEST + 1) == (413, "too_large")


def test_all_objects_have_a_room() -> None:
    """Those that are coming in take theirs already."""
    ledger = Ledger()
    kept(ledger, LAPTOP, 40 * MIB)
    ledger.grow(ledger.begin("phone"), 40 * MIB, 100 * MIB)
    assert problem(ledger, "tablet", 21 * MIB, 100 * MIB) == (507, "objects_full")


def test_nobody_takes_all_the_room() -> None:
    """Half of it at most, but one object of the largest size always fits."""
    ledger = Ledger()
    for number in range(5):
        kept(ledger, LAPTOP, 50 * MIB, object_id=str(number))
    assert problem(ledger, "laptop", 7 * MIB) == (507, "objects_full")
    ledger.grow(ledger.begin("phone"), 50 * MIB, ROOM)
    Ledger().grow(ledger.begin("other"), 50 * MIB, 60 * MIB)


def test_an_upload_that_broke_off_takes_no_room() -> None:
    """What it had taken is free again."""
    ledger = Ledger()
    upload = ledger.begin("laptop")
    ledger.grow(upload, 100, ROOM)
    ledger.abandon(upload)
    assert ledger.filled == 0


def test_uploads_side_by_side_are_bounded() -> None:
    """One more is told to come again."""
    ledger = Ledger()
    for _ in range(MOST_UPLOADS):
        ledger.begin("laptop")
    with pytest.raises(ObjectProblem) as caught:
        ledger.begin("phone")
    assert (caught.value.status, caught.value.code) == (429, "too_many_uploads")


def test_so_are_objects() -> None:
    """Many small ones are refused like few large ones."""
    ledger = Ledger()
    for number in range(MOST_KEPT):
        kept(ledger, object_id=str(number))
    with pytest.raises(ObjectProblem) as caught:
        ledger.begin("phone")
    assert (caught.value.status, caught.value.code) == (507, "objects_full")


def test_what_became_of_them_is_counted() -> None:
    """Used up, removed, expired: each by what ended it."""
    ledger = Ledger()
    for name, now in (("used", 0.0), ("removed", 0.0), ("expired", 0.0), ("there", 100.0)):
        kept(ledger, object_id=name, now=now)
    for _ in range(USES):
        ledger.give_back(ledger.take("used", LAPTOP, 0.0), used=True)
    ledger.remove("removed", LAPTOP, 0.0)
    ledger.sweep(LIFETIME_SECONDS)
    assert (ledger.tally.taken, ledger.tally.taken_bytes, ledger.count) == (4, 40, 1)
    assert ledger.tally.ended == {End.USED: 1, End.REMOVED: 1, End.EXPIRED: 1}
