"""One seed, one story: boxes come and go while the network does its worst; then it is whole again, and all has to be
well. What happened is told when it was not."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import msgspec

from appliance.mesh.membership.facts import Facts, ModelFact
from appliance.mesh.types import PeerState
from tests.sim.hosting import Hosting
from tests.sim.meshes import agree, disagreement, introduce, name_of
from tests.sim.world import Box, Storm, World

SIZES = (2, 3, 3, 5, 5, 8, 8, 13, 21, 34)
MODELS = ("small", "large", "rare")
TOPICS = "removals"
TROUBLES = 70.0  # seconds
HEALED = 45.0  # at the most until all agree
CALM = 15.0


class Broken(Exception):
    """A promise was not kept; the seed tells which story."""

    def __init__(self, seed: int, what: str, told: list[str]) -> None:
        story = "\n".join(told)
        super().__init__(f"seed {seed}: {what}\n{story}\nagain: python -m tests.sim --seed {seed} --tell")
        self.seed = seed


@dataclass(slots=True)
class Story:
    seed: int
    world: World
    rng: random.Random
    hosting: Hosting
    told: list[str] = field(default_factory=list)
    topics: list[bytes] = field(default_factory=list)
    healed_after: float = 0.0

    def tell(self, what: str) -> None:
        self.told.append(f"{self.world.now:7.2f}  {what}")


def play(seed: int) -> Story:
    """The story of a seed; raises `Broken` when something is not as promised."""
    rng = random.Random(seed)
    world = World(seed)
    story = Story(seed, world, rng, Hosting(world))
    try:
        _begin(story)
        _trouble(story)
        _heal(story)
    except Storm as storm:
        raise Broken(seed, str(storm), story.told) from storm
    _check(story)
    return story


def _begin(story: Story) -> None:
    size = story.rng.choice(SIZES)
    story.tell(f"{size} boxes")
    for number in range(size):
        _start(story, name_of(number))
    story.world.run(5)


def _start(story: Story, node: str) -> None:
    rng, world = story.rng, story.world
    skew = rng.choice((0.0, 0.0, rng.uniform(-300, 300), rng.uniform(-4000, 4000)))
    contacts = [box.id for box in world.running()]
    box = world.start(node, facts=Facts(name=node), rate=rng.uniform(0.999, 1.001), skew=skew)
    world.join(box, *rng.sample(contacts, min(2, len(contacts))))
    story.hosting.begin(box)
    story.tell(f"{node} starts, its clock {skew:+.0f} s")


def _trouble(story: Story) -> None:
    ends = story.world.now + TROUBLES
    while story.world.now < ends:
        story.rng.choice(EVENTS)(story)
        story.world.run(story.rng.choice((0.1, 1.0, 3.0, 8.0)) * story.rng.random() * 2)


def _heal(story: Story) -> None:
    world = story.world
    story.tell("the network is whole again")
    world.network.heal()
    world.run_until(max((box.asleep_until for box in world.running()), default=world.now))  # those who stood still too
    introduce(world)
    story.healed_after = world.run_while(lambda: not agree(world), HEALED, every=0.25)
    story.tell(f"all agree after {story.healed_after:.1f} s" if agree(world) else "they do not agree")


def _check(story: Story) -> None:
    world = story.world
    if not agree(world):
        raise Broken(story.seed, f"no agreement {HEALED:.0f} s after all was whole: {disagreement(world)}", story.told)
    deaths = _unrest(story, len(world.changes), PeerState.DEAD, PeerState.LEFT)
    unrest = _unrest(story, len(world.changes), *PeerState)  # not even that, some time later
    for what in (*deaths, *unrest, *_differences(story), *story.hosting.complaints()):
        raise Broken(story.seed, what, story.told)


def _unrest(story: Story, before: int, *states: PeerState) -> list[str]:
    """In a quiet network nobody is doubted, and no dead one comes back."""
    story.world.run(CALM)
    return [
        f"{change.seen_by} finds {change.node} {change.state} at {change.at:.2f} though nothing happened"
        for change in story.world.changes[before:]
        if change.state in states
    ]


def _differences(story: Story) -> list[str]:
    world, found = story.world, []
    for box in world.running():
        found += [
            f"{box.id} counted {counter}" for counter in ("forged", "malformed") if getattr(box.member.stats, counter)
        ]
        for other in world.running():
            told, own = (b.member.demand.told_by(other.id, world.local(b)) for b in (box, other))
            if told != own:
                found.append(f"{box.id} believes that {other.id} was asked for {told}; it was {own}")
    return found


# what can happen


def _some(story: Story) -> Box | None:
    running = story.world.running()
    return story.rng.choice(running) if running else None


def _crash(story: Story) -> None:
    box = _some(story)
    if box is not None and len(story.world.running()) > 2:
        story.tell(f"{box.id} crashes")
        story.world.crash(box.id)


def _leave(story: Story) -> None:
    box = _some(story)
    if box is not None and len(story.world.running()) > 2:
        story.tell(f"{box.id} leaves")
        story.world.leave(box.id)


def _return(story: Story) -> None:
    gone = [box.id for box in story.world.boxes.values() if not box.up]
    if gone:
        _start(story, story.rng.choice(gone))


def _arrive(story: Story) -> None:
    if len(story.world.boxes) < 40:
        _start(story, name_of(len(story.world.boxes)))


def _break_in_two(story: Story) -> None:
    nodes = sorted(story.world.boxes)
    story.rng.shuffle(nodes)
    cut = story.rng.randrange(len(nodes) + 1)
    story.tell(f"the network breaks: {nodes[:cut]} and the others")
    story.world.network.split(nodes[:cut], nodes[cut:])


def _mend(story: Story) -> None:
    story.tell("the network is mended")
    story.world.network.heal()


def _close_one_way(story: Story) -> None:
    source, target = story.rng.choice(sorted(story.world.boxes)), story.rng.choice(sorted(story.world.boxes))
    story.tell(f"nothing passes from {source} to {target}")
    story.world.network.closed.add((source, target))


def _lose(story: Story) -> None:
    network = story.world.network
    network.loss = story.rng.choice((0.0, 0.02, 0.1, 0.25))
    network.doubled = story.rng.choice((0.0, 0.05, 0.3))
    network.straggling = story.rng.choice((0.0, 0.02, 0.2))
    story.tell(f"loss {network.loss}, doubled {network.doubled}, straggling {network.straggling}")


def _freeze(story: Story) -> None:
    box = _some(story)
    if box is not None:
        seconds = story.rng.choice((0.6, 2.0, 7.0, 25.0))
        story.tell(f"{box.id} stands still for {seconds} s")
        story.world.freeze(box.id, seconds)


def _ask(story: Story) -> None:
    box = _some(story)
    if box is not None and box.asleep_until <= story.world.now:
        box.member.wanted(story.rng.choice(MODELS), story.world.local(box), story.rng.randrange(1, 20))


def _say(story: Story) -> None:
    box = _some(story)
    if box is not None and box.member.own is not None and box.asleep_until <= story.world.now:
        state = story.rng.choice(("loading", "ready", "available"))
        facts = msgspec.structs.replace(box.member.own.facts, models=(ModelFact(story.rng.choice(MODELS), state),))
        story.world.describe(box.id, facts)


def _publish(story: Story) -> None:
    box = _some(story)
    if box is not None and box.asleep_until <= story.world.now and not story.world.network.sides:
        data = f"good {len(story.topics)}".encode()
        story.topics.append(data)
        story.world.carry(box, box.member.publish(TOPICS, data, story.world.local(box)))
        story.world.run(1.5)  # what nobody heard of before its only holder crashed cannot be known to all


def _step_clock(story: Story) -> None:
    box = _some(story)
    if box is not None:
        box.skew = story.rng.uniform(-600, 600)
        story.tell(f"the clock of {box.id} is set to {box.skew:+.0f} s")
        box.member.set_wall(story.world.wall(box), story.world.local(box))


EVENTS: tuple[Callable[[Story], None], ...] = (
    _crash, _crash, _leave, _return, _return, _arrive, _break_in_two, _mend, _mend, _close_one_way, _lose, _freeze,
    _ask, _ask, _say, _say, _publish, _step_clock,
)  # fmt: skip
