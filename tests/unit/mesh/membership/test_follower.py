"""The mesh as a client sees it."""

from __future__ import annotations

import random

from appliance.mesh.membership.follower import ASK_EVERY, GONE_AFTER, Follower
from appliance.mesh.membership.types import MemberChanged
from appliance.mesh.membership.wire import Compare, Listing, News, Stamp, Update, Want, decode, encode
from appliance.mesh.types import PeerState
from tests.sim.trust import trust_of
from tests.unit.mesh.membership.pair import record, sent, states


def follower(*contacts: str) -> Follower:
    found = Follower("client", trust_of("client"), rng=random.Random(1), now=0.0)
    found.follow(contacts, 0.0)
    return found


def test_it_asks_one_member_and_wants_to_hear_of_changes() -> None:
    """By name or by address, whoever was given."""
    found = Follower("client", trust_of("client"), rng=random.Random(1), now=0.0)
    (out,) = sent(found.follow(["attic"], 0.0))
    message = decode(out.data)
    assert out.to == "attic"
    assert isinstance(message, Compare)
    assert message.watch


def test_it_fetches_what_is_listed() -> None:
    """And has it then."""
    found = follower("attic")
    (out,) = sent(found.receive(encode(Listing(0, (0,), (Stamp("den", 1000, 1),))), "attic", 0.1))
    assert decode(out.data) == Want(("den",))
    outs = found.receive(encode(News(blobs=(record("den").blob,))), "attic", 0.2)
    assert MemberChanged("den", PeerState.ALIVE, None) in outs
    assert set(found.members) == {"den"}


def test_it_takes_nothing_from_others() -> None:
    """Than the member that it follows."""
    found = follower("attic")
    assert found.receive(encode(News(blobs=(record("den").blob,))), "lab", 0.2) == []
    assert found.stats.strangers == 1


def test_who_is_gone_is_dropped() -> None:
    """Because it is said to be, or because it is not listed any more."""
    found = follower("attic")
    found.receive(encode(News(blobs=(record("den").blob, record("lab").blob))), "attic", 0.2)
    outs = found.receive(encode(News(updates=(Update(2, "den", 1000, "attic"),))), "attic", 0.3)
    assert states(outs) == [("den", PeerState.DEAD)]
    assert states(found.receive(encode(Listing(0, (0,), ())), "attic", 0.4)) == [("lab", PeerState.DEAD)]


def test_a_doubt_is_none_of_its_business() -> None:
    """It waits for what comes of it."""
    found = follower("attic")
    found.receive(encode(News(blobs=(record("den").blob,))), "attic", 0.2)
    assert found.receive(encode(News(updates=(Update(1, "den", 1000, "attic"),))), "attic", 0.3) == []
    assert set(found.members) == {"den"}


def test_it_asks_now_and_then() -> None:
    """Seldom while it is answered, and another one when it is not."""
    found = follower("attic", "den")
    source = found.source
    assert source is not None
    found.receive(encode(Listing(0, (), ())), source, 0.1)
    assert found.next_wake() == 0.1 + ASK_EVERY
    at = 0.0
    while found.source == source and at < 60:
        at = found.next_wake()
        found.tick(at)
    assert found.source != source
    assert GONE_AFTER < at < GONE_AFTER + ASK_EVERY + 2


def test_garbage_and_later_protocols_are_counted() -> None:
    """And change nothing."""
    found = follower("attic")
    assert found.receive(b"\x01nothing", "attic", 0.1) == []
    assert found.receive(b"\x09later", "attic", 0.1) == []
    assert (found.stats.malformed, found.stats.later) == (1, 1)


def test_a_removed_source_is_left() -> None:
    """At once."""
    found = follower("attic", "den")
    source = found.source
    assert source is not None
    found.evict(source, 1.0)
    assert found.source in {"attic", "den"} - {source}


def test_a_mesh_too_large_for_one_list_comes_in_pieces() -> None:
    """It is asked again with smaller buckets, and soon again until nothing is missing."""
    found = follower("attic")
    (out,) = sent(found.receive(encode(Compare(6, bytes(8 * 64))), "attic", 0.1))
    message = decode(out.data)
    assert isinstance(message, Compare)
    assert (message.bits, message.watch) == (6, True)
    found.receive(encode(Listing(6, (1,), (Stamp("den", 1000, 1),))), "attic", 0.2)
    assert found.next_wake() == 1.2
