"""News are passed on often enough, and no more."""

from __future__ import annotations

from appliance.mesh.membership.rumours import Rumours, times
from appliance.mesh.membership.wire import Stamp, Update


def test_each_is_told_a_few_times() -> None:
    """Then it is forgotten."""
    rumours = Rumours()
    rumours.add(Stamp("attic", 1, 1), members=4)
    told = 0
    while rumours.take(1000).stamps:
        told += 1
    assert told == times(4)
    assert len(rumours) == 0


def test_more_members_more_often() -> None:
    """But not much: by the logarithm."""
    assert times(4) < times(1000) <= 12


def test_the_newest_comes_first() -> None:
    """When there is not room for all."""
    rumours = Rumours()
    rumours.add(Stamp("attic", 1, 1), 4)
    rumours.add(Stamp("cellar", 1, 1), 4)
    assert rumours.take(30).stamps == (Stamp("cellar", 1, 1),)


def test_a_newer_version_replaces_the_older() -> None:
    """Nobody is told what is no longer true."""
    rumours = Rumours()
    rumours.add(Stamp("attic", 1, 1), 4)
    rumours.add(Stamp("attic", 1, 2), 4)
    assert rumours.take(1000).stamps == (Stamp("attic", 1, 2),)


def test_doubts_of_two_accusers_are_two() -> None:
    """They confirm each other; and both go when the doubt is over."""
    rumours = Rumours()
    rumours.add(Update(1, "attic", 1, "den"), 4)
    rumours.add(Update(1, "attic", 1, "cellar"), 4)
    assert len(rumours.take(1000).updates) == 2
    rumours.drop_doubts("attic")
    assert rumours.take(1000).updates == ()


def test_no_room_takes_nothing() -> None:
    """And forgets nothing."""
    rumours = Rumours()
    rumours.add(Stamp("attic", 1, 1), 4)
    assert rumours.take(5).stamps == ()
    assert len(rumours) == 1
