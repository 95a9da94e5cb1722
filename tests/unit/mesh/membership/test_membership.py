"""The whole machine, message by message: what strangers, liars and late wake-ups do to it."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.membership.facts import Facts, ModelFact
from appliance.mesh.membership.membership import Membership
from appliance.mesh.membership.types import MemberChanged, RecordChanged, Send, TopicArrived
from appliance.mesh.membership.wire import (
    Ack,
    Compare,
    Listing,
    Message,
    News,
    Ping,
    Refusal,
    Stamp,
    Update,
    Want,
    decode,
    encode,
)
from appliance.mesh.types import PeerState
from tests.unit.mesh.membership.pair import acquainted, exchange, machine, record, sent, states
from tests.unit.mesh.membership.test_wire import messages


def told(found: Membership, message: Message, sender: str = "den", now: float = 1.0) -> list[Message]:
    """What it answers."""
    return [decode(out.data) for out in sent(found.receive(encode(message), sender, now))]


def test_two_that_meet_know_each_other() -> None:
    """After one message each way."""
    found = acquainted("attic", "den")
    assert set(found["attic"].members) == {"den"}
    assert set(found["den"].members) == {"attic"}
    assert found["attic"].known == found["den"].known


def test_a_question_is_answered() -> None:
    """With its number."""
    answers = told(machine("attic"), Ping(7, 0, 0))
    assert isinstance(answers[0], Ack)
    assert answers[0].number == 7


@given(st.binary(max_size=300))
def test_garbage_does_nothing(data: bytes) -> None:
    """It is counted, whoever sent it."""
    found = machine("attic")
    found.receive(b"\x01" + data, "den", 1.0)
    assert set(found.members) == set()


@given(st.lists(st.tuples(messages, st.sampled_from(["den", "lab", "nobody"])), max_size=12))
def test_no_message_of_anybody_raises(said: list[tuple[Message, str]]) -> None:
    """In any order, from members and from others; and the machine goes on."""
    machines = acquainted("attic", "den")
    found = machines["attic"]
    for at, (message, sender) in enumerate(said):
        found.receive(encode(message), sender, 5.0 + at)
        found.tick(5.5 + at)
    assert found.next_wake() < math.inf


def test_a_later_protocol_is_answered_politely() -> None:
    """With what is understood here."""
    found = machine("attic")
    (out,) = sent(found.receive(b"\x02something", "den", 1.0))
    assert decode(out.data) == Refusal((1,))
    assert found.stats.later == 1


def test_a_stranger_gets_nothing() -> None:
    """Not even an answer."""
    found = machine("attic", banned={"stranger"})
    assert found.receive(encode(Ping(1, 0, 0)), "stranger", 1.0) == []
    assert found.stats.strangers == 1


def test_a_client_may_ask_and_not_tell() -> None:
    """It accuses nobody, and is no member however it describes itself."""
    found = machine("attic", clients=("phone",))
    found.receive(encode(News(blobs=(record("den").blob,))), "den", 1.0)
    found.receive(encode(News(updates=(Update(3, "den", 1000, "phone"),), blobs=(record("phone").blob,))), "phone", 2.0)
    found.receive(encode(News(blobs=(record("phone").blob,))), "den", 2.0)
    assert {node: member.state for node, member in found.members.items()} == {"den": PeerState.ALIVE}
    (answer,) = told(found, Compare(0, bytes(8), watch=True), "phone", 3.0)
    assert isinstance(answer, Listing)
    assert {stamp.key for stamp in answer.stamps} == {"attic", "den"}


def test_who_accuses_all_the_time_does_not_keep_a_box_busy() -> None:
    """Three records a second are the most that it signs for that."""
    found = acquainted("attic", "den")["attic"]
    assert found.own is not None
    first = found.own.incarnation
    for step in range(100):
        now = 20.0 + step / 100
        found.receive(encode(News(updates=(Update(1, "attic", found.own.incarnation, "den"),))), "den", now)
        found.tick(now)
    assert first < found.own.incarnation <= first + 5


def test_a_new_member_is_reported_once() -> None:
    """However often its record comes."""
    found = machine("attic")
    blob = record("den").blob
    outs = found.receive(encode(News(blobs=(blob,))), "den", 1.0)
    assert MemberChanged("den", PeerState.ALIVE, None) in outs
    assert RecordChanged("den") in outs
    assert [out for out in found.receive(encode(News(blobs=(blob,))), "den", 2.0) if not isinstance(out, Send)] == []


def test_what_is_newer_elsewhere_is_asked_for() -> None:
    """Once, though several offer it."""
    found = machine("attic")
    assert Want(("lab",)) in told(found, News(stamps=(Stamp("lab", 5, 5),)))
    assert told(found, News(stamps=(Stamp("lab", 5, 5),)), "cellar", 1.1) == []
    assert Want(("lab",)) in told(found, News(stamps=(Stamp("lab", 5, 5),)), "cellar", 3.0)


def test_who_is_doubted_disproves_it() -> None:
    """By a record of a higher number, which its accuser gets at once."""
    found = acquainted("attic", "den")["attic"]
    own = found.own
    assert own is not None
    answers = told(found, News(updates=(Update(1, "attic", own.incarnation, "den"),)), now=20.0)
    assert found.own is not None
    assert found.own.incarnation == own.incarnation + 1
    assert any(isinstance(answer, News) and found.own.blob in answer.blobs for answer in answers)
    assert found.stats.refuted == 1


def test_a_doubt_of_long_ago_is_answered_by_the_record_of_now() -> None:
    """Nothing new has to be signed for it."""
    found = acquainted("attic", "den")["attic"]
    assert found.own is not None
    before = found.own.incarnation
    answers = told(found, News(updates=(Update(2, "attic", before - 1, "den"),)), now=20.0)
    assert found.own.incarnation == before
    assert News(blobs=(found.own.blob,)) in answers


def test_a_liar_cannot_use_up_the_numbers() -> None:
    """A claim with a number that this box never used is nothing."""
    found = machine("attic")
    told(found, News(updates=(Update(2, "attic", 1 << 52, "den"),)))
    assert found.own is not None
    assert found.own.incarnation == 1000
    assert found.stats.refuted == 0


def test_dead_without_a_doubt_is_only_a_doubt() -> None:
    """Halves that meet again believe each other's members dead; they must have time to say that they are not."""
    found = acquainted("attic", "den", "lab")["attic"]
    update = Update(2, "lab", found.members["lab"].record.incarnation, "den")
    outs = found.receive(encode(News(updates=(update,))), "den", 20.0)
    assert states(outs) == [("lab", PeerState.SUSPECT)]


def test_a_goodbye_counts_at_once() -> None:
    """And is passed on at once."""
    machines = acquainted("attic", "den", "lab")
    outs = machines["den"].leave(20.0)
    exchange(machines, "den", outs, 20.0)
    assert machines["attic"].members["den"].state is PeerState.LEFT
    assert machines["lab"].members["den"].state is PeerState.LEFT
    assert machines["den"].next_wake() == math.inf
    assert machines["den"].tick(30.0) == []
    assert machines["den"].receive(b"\x01", "lab", 30.0) == []


def test_who_is_believed_gone_and_speaks_hears_of_it() -> None:
    """And comes back by what it signs itself."""
    machines = acquainted("attic", "den", "lab")
    update = Update(3, "lab", machines["lab"].members["attic"].record.incarnation, "den")
    machines["attic"].receive(encode(News(updates=(update,))), "den", 20.0)
    assert machines["attic"].members["lab"].state is PeerState.LEFT
    exchange(machines, "lab", [Send("attic", encode(Ping(1, 0, 0)))], 21.0)
    assert [member.state for member in machines["attic"].members.values()] == [PeerState.ALIVE] * 2


def test_answers_to_answers_come_to_an_end() -> None:
    """Also when the other one never learns: it is told twice a second at the most."""
    found = acquainted("attic", "den")["attic"]
    found.receive(encode(News(updates=(Update(3, "den", 1000, "lab"),))), "lab", 20.0)
    answers = [told(found, Ping(n, found.known, 0), now=20.0 + n / 100) for n in range(50)]
    assert sum(any(isinstance(one, News) for one in some) for some in answers) == 1


def test_a_box_whose_clock_went_back_outdoes_its_former_self() -> None:
    """Its old record comes back to it, and it signs a later one."""
    found = machine("attic", incarnation=1000)
    outs = found.receive(encode(News(blobs=(record("attic", 5000, 3).blob,))), "den", 1.0)
    assert found.own is not None
    assert found.own.incarnation == 5001
    assert states(outs) == []


def test_the_removed_is_gone_and_not_taken_again() -> None:
    """Others may still believe in it."""
    banned: set[str] = set()
    found = machine("attic", banned=banned)
    blob = record("lab").blob
    found.receive(encode(News(blobs=(blob,))), "den", 1.0)
    banned.add("lab")
    assert states(found.evict("lab", 2.0)) == [("lab", PeerState.LEFT)]
    found.receive(encode(News(blobs=(blob,))), "den", 3.0)
    assert "lab" not in found.members


def test_an_item_of_a_topic_is_reported_once() -> None:
    """When it is good."""
    machines = acquainted("attic", "den")
    for data, expected in ((b"good", [TopicArrived("removals", b"good")]), (b"good", []), (b"bad", [])):
        sender = machine("den", incarnation=5000)
        sender.publish("removals", data, 1.0)
        blob = sender._parts.table.blob(next(iter(sender._parts.table.topics), "#removals:none"))
        outs = machines["attic"].receive(encode(News(blobs=(blob or b"#\x08removalsbad",))), "den", 30.0)
        assert [out for out in outs if isinstance(out, TopicArrived)] == expected


def test_alone_it_does_not_wake() -> None:
    """A box without a mesh costs nothing."""
    found = machine("attic")
    for _ in range(5):
        found.tick(found.next_wake())
    assert found.next_wake() >= 600


def test_load_is_told_later_than_models() -> None:
    """A changed model at once, a running request within seconds."""
    found = acquainted("attic", "den")["attic"]
    found.tick(100.0)
    found.describe(Facts(name="attic", models=(ModelFact("tiny", "ready"),)), 100.0)
    assert found._parts.own.next_at == 100.0
    found.tick(100.0)
    found.describe(Facts(name="attic", models=(ModelFact("tiny", "ready", busy=1),)), 100.1)
    assert found._parts.own.next_at == pytest.approx(102.0)


def test_late_it_is_patient() -> None:
    """A wake-up that came three seconds late says more about this box than about the others."""
    found = acquainted("attic", "den", "lab")["attic"]
    found.tick(found.next_wake())
    found.tick(found.next_wake() + 3.0)
    assert found.health > 0
    assert [member.state for member in found.members.values()] == [PeerState.ALIVE] * 2
