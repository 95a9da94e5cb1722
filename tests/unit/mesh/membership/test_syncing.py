"""Two boxes make equal what they know."""

from __future__ import annotations

from appliance.mesh.membership.outbox import Outbox
from appliance.mesh.membership.syncing import MOST_GIVEN, Syncer
from appliance.mesh.membership.table import Table
from appliance.mesh.membership.types import Send, Stats, Timing
from appliance.mesh.membership.wire import LONGEST, Compare, Listing, Message, News, Stamp, Update, Want, decode
from appliance.mesh.types import PeerState
from tests.sim.trust import trust_of
from tests.unit.mesh.membership.pair import record


class Side:
    def __init__(self, node: str, *known: str) -> None:
        self.table = Table(node, trust_of(node), Stats())
        self.outbox = Outbox()
        self.syncer = Syncer(self.table, self.outbox, Timing())
        self.table.tell(record(node))
        for name in known:
            self.table.offer(record(name).blob, 0.0)

    def said(self) -> list[Message]:
        found = []
        for out in self.outbox.drain():
            assert isinstance(out, Send)
            assert len(out.data) <= LONGEST
            found.append(decode(out.data))
        return found

    def hear(self, message: Message, now: float = 1.0) -> None:
        match message:
            case Compare():
                self.syncer.compare(message, "other")
            case Listing():
                self.syncer.listing(message, "other", now)
            case Want():
                self.syncer.give(message, "other")
            case News():
                for blob in message.blobs:
                    self.table.offer(blob, now)


def converse(one: Side, other: Side) -> int:
    """Until nobody has anything to say; how many messages it took."""
    one.syncer.start("other", 1.0)
    count = 0
    while (said := [(other, m) for m in one.said()] + [(one, m) for m in other.said()]) and count < 100:
        for listener, message in said:
            listener.hear(message)
        count += len(said)
    return count


def test_each_gets_what_it_lacks() -> None:
    """Both know all afterwards."""
    one, other = Side("attic", "den", "lab"), Side("cellar", "den", "loft")
    converse(one, other)
    assert one.table.digest.total == other.table.digest.total
    assert set(one.table.members) == {"cellar", "den", "lab", "loft"}


def test_who_knows_the_same_says_nothing() -> None:
    """One question, no answer."""
    one, other = Side("attic"), Side("den")
    converse(one, other)
    assert converse(one, other) == 1


def test_a_large_mesh_fits_into_its_messages() -> None:
    """Hundreds of records, none of the messages too long."""
    one, other = Side("attic", *(f"box{n}" for n in range(700))), Side("den")
    converse(one, other)
    assert one.table.digest.total == other.table.digest.total


def test_a_newcomer_to_a_very_large_mesh_gets_all_of_it() -> None:
    """More than one list can name: piece by piece."""
    one, other = Side("attic"), Side("den", *(f"box{n}" for n in range(2500)))
    for _ in range(6):
        converse(one, other)
    assert one.table.digest.total == other.table.digest.total


def test_only_so_much_is_given_for_one_question() -> None:
    """The rest for the next one."""
    one = Side("attic")
    one.table.topics = {f"#t:{n}": bytes(8000) for n in range(200)}
    one.syncer.give(Want(tuple(one.table.topics)), "other")
    given = [blob for message in one.said() if isinstance(message, News) for blob in message.blobs]
    assert MOST_GIVEN - 8100 <= sum(map(len, given)) <= MOST_GIVEN


def test_who_is_believed_alive_there_and_is_gone_here_is_named() -> None:
    """So that the other one looks."""
    one = Side("attic", "den")
    one.table.move(one.table.members["den"], PeerState.DEAD, 1.0)
    one.syncer.want((Stamp("den", 1000, 1),), "other", 1.0)
    assert one.said() == [News(updates=(Update(2, "den", 1000, "attic"),))]


def test_differences_are_looked_at_once_a_second_and_later_while_news_travel() -> None:
    """They will probably arrive by themselves."""
    one = Side("attic")
    one.syncer.differs("other", 1, 10.0, busy=False)
    one.syncer.differs("other", 1, 10.5, busy=False)
    assert len(one.said()) == 1
    one.syncer.differs("other", 1, 12.0, busy=True)
    assert one.said() == []
    one.syncer.differs("other", 1, 14.0, busy=True)
    assert len(one.said()) == 1
    one.syncer.differs("other", one.table.digest.total, 30.0, busy=False)
    assert one.said() == []
