"""One member publishes, and another one when it is gone."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

import pytest

from appliance.mesh.discovery.listing import TTL_S, Listing
from appliance.mesh.discovery.publisher import LOOK_S, REPUBLISH_S, RETRY_S, Action, Phase, Publisher
from tests.unit.mesh.discovery.published import listing_of

A, B = "a" * 16, "b" * 16
NOBODY: frozenset[str] = frozenset()


def publisher(node: str = A, seed: int = 1) -> Publisher:
    return Publisher(node, random.Random(seed))


def publishing(node: str = A) -> Publisher:
    one = publisher(node)
    one.publish_now(0.0)
    assert one.tick(0.0, NOBODY, wanted=True) == (Action.PUBLISH,)
    one.published(0.0, accepted=True)
    return one


def watching(holder: str = B) -> Publisher:
    one = publisher()
    assert one.tick(0.0, {holder}, wanted=True) == (Action.LOOK,)
    one.looked(0.0, [listing_of(holder)], {holder})
    assert one.phase is Phase.WATCHING
    return one


def test_nothing_is_contacted_before_it_is_wanted() -> None:
    """Neither written nor read."""
    one = publisher()
    assert [one.tick(now, {B}, wanted=False) for now in range(0, 1000, 50)] == [()] * 20


def test_who_was_asked_publishes_at_once() -> None:
    """A person waits for it."""
    assert publishing().phase is Phase.PUBLISHING


def test_a_listing_is_renewed_twice_in_its_life() -> None:
    """One that got lost does not end it."""
    one = publishing()
    assert Action.PUBLISH not in one.tick(REPUBLISH_S - 0.1, NOBODY, wanted=True)
    assert Action.PUBLISH in one.tick(REPUBLISH_S, NOBODY, wanted=True)
    assert 2 * REPUBLISH_S <= TTL_S


def test_a_refused_listing_is_tried_again_soon() -> None:
    """And an answer that never comes counts as a refusal."""
    one = publishing()
    one.published(5.0, accepted=False)
    assert one.tick(5.0 + RETRY_S, NOBODY, wanted=True) == (Action.PUBLISH,)
    assert one.tick(5.0 + 2 * RETRY_S, NOBODY, wanted=True) == (Action.PUBLISH,)


def test_what_is_no_longer_wanted_is_deleted_once() -> None:
    """By the one who published it."""
    one = publishing()
    assert one.tick(1.0, NOBODY, wanted=False) == (Action.DELETE,)
    assert one.tick(2.0, NOBODY, wanted=False) == ()
    assert watching().tick(1.0, {B}, wanted=False) == ()


def test_nobody_publishes_beside_another_member() -> None:
    """As long as it renews its listing."""
    one = watching()
    for now in range(1, 1000):
        if Action.LOOK in one.tick(float(now), {B}, wanted=True):
            one.looked(float(now), [listing_of(B, created=now)], {B})
    assert one.phase is Phase.WATCHING
    assert one.holder == B


def test_a_clock_that_was_put_back_is_no_silence() -> None:
    """Each listing that differs from the one before is a renewal."""
    one = watching()
    for now in (100.0, 200.0, 300.0):
        one.looked(now, [listing_of(B, created=int(-now))], {B})
        assert one.phase is Phase.WATCHING


def test_a_dead_publisher_is_replaced_within_seconds() -> None:
    """After a moment of its own and a second look, though the old listing is still there."""
    one = watching()
    assert one.tick(10.0, NOBODY, wanted=True) == ()
    assert one.phase is Phase.WAITING
    assert one.tick(12.9, NOBODY, wanted=True) == ()
    assert one.tick(20.0, NOBODY, wanted=True) == (Action.LOOK,)
    one.looked(20.0, [listing_of(B)], NOBODY)
    assert one.tick(20.0, NOBODY, wanted=True) == (Action.PUBLISH,)


@pytest.mark.parametrize(("seconds", "phase"), [(TTL_S - 1.0, Phase.WATCHING), (TTL_S + 1.0, Phase.WAITING)])
def test_a_publisher_that_is_there_and_publishes_nothing_is_replaced(seconds: float, phase: Phase) -> None:
    """By our own clock: its listing was not renewed for as long as one lives."""
    one = watching()
    one.looked(seconds, [listing_of(B)], {B})
    assert one.phase is phase


def test_the_second_look_stops_who_comes_too_late() -> None:
    """Somebody was quicker."""
    one = watching()
    one.tick(10.0, {"c" * 16}, wanted=True)
    one.looked(21.0, [listing_of("c" * 16)], {"c" * 16})
    assert (one.phase, one.holder) == (Phase.WATCHING, "c" * 16)


def test_without_a_look_nothing_is_taken_over() -> None:
    """A directory that cannot be read may well hold a listing: it is asked again and again, calmly."""
    one = watching()
    looks = [now for now in range(10, 100) if Action.LOOK in one.tick(float(now), NOBODY, wanted=True)]
    assert one.phase is Phase.WAITING
    assert 8 <= len(looks) <= 10


def test_of_two_publishers_the_one_with_the_larger_id_stops() -> None:
    """And takes its listing away."""
    one, two = publishing(A), publishing(B)
    both = [listing_of(A), listing_of(B)]
    one.looked(LOOK_S, both, {B})
    two.looked(LOOK_S, both, {A})
    assert one.phase is Phase.PUBLISHING
    assert (two.phase, two.holder) == (Phase.WATCHING, A)
    assert two.tick(LOOK_S, {A}, wanted=True) == (Action.LOOK, Action.DELETE)


def test_a_restarted_publisher_goes_on() -> None:
    """Its own listing is no other's."""
    one = publisher(B)
    one.tick(0.0, {A}, wanted=True)
    one.looked(0.1, [listing_of(B)], {A})
    assert one.tick(0.1, {A}, wanted=True) == (Action.PUBLISH,)


def test_a_stranger_silences_nobody() -> None:
    """A listing of this mesh by somebody who is no member does not count."""
    one = publishing(B)
    one.looked(LOOK_S, [listing_of(A)], NOBODY)
    assert one.phase is Phase.PUBLISHING


@dataclass
class Home:
    """Members around one directory, a tick every half second."""

    nodes: list[Publisher]
    names: list[str]
    chance: random.Random
    now: float = 0.0
    listings: dict[str, Listing] = field(default_factory=dict)
    alive: set[str] = field(default_factory=set)
    known: set[str] = field(default_factory=set)  # what membership says: later than the truth

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while self.now < end:
            self.now += 0.5
            self.listings = {node: each for node, each in self.listings.items() if each.expires > self.now}
            for name, node in self.chance.sample([*zip(self.names, self.nodes, strict=True)], len(self.nodes)):
                if name in self.alive:
                    self._step(name, node)

    def _step(self, name: str, node: Publisher) -> None:
        present = self.known - {name}
        for action in node.tick(self.now, present, wanted=True):
            lost = self.chance.random() < 0.2
            match action:
                case Action.LOOK if not lost:
                    node.looked(self.now, self.listings.values(), present)
                case Action.PUBLISH:
                    if not lost:
                        self.listings[name] = listing_of(name, created=int(self.now))
                    node.published(self.now, accepted=not lost)
                case Action.DELETE:
                    self.listings.pop(name, None)

    @property
    def publishers(self) -> list[str]:
        ends = zip(self.names, self.nodes, strict=True)
        return [name for name, node in ends if name in self.alive and node.phase is Phase.PUBLISHING]


@pytest.mark.parametrize("seed", range(60))
def test_one_member_publishes_in_the_end(seed: int) -> None:
    """Whoever dies, and though every fifth message is lost: the mesh is listed again, by one of its members."""
    chance = random.Random(seed)
    names = sorted("".join(chance.choices("abcdefgh", k=16)) for _ in range(chance.randint(2, 8)))
    home = Home([Publisher(name, random.Random(chance.random())) for name in names], names, chance)
    home.alive, home.known = set(names), set(names)
    home.run(180)
    assert len(home.publishers) == 1
    dead = home.publishers[0]
    home.alive.discard(dead)
    home.run(6)
    home.known.discard(dead)
    home.run(60)
    assert home.listings.keys() - {dead}
    home.run(180)
    assert len(home.publishers) == 1
    assert set(home.listings) == set(home.publishers)
    home.alive.add(dead)
    home.known.add(dead)
    home.run(180)
    assert len(home.publishers) == 1
