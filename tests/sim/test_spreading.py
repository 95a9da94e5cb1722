"""What is said once is soon known to all."""

from __future__ import annotations

import msgspec

from appliance.mesh.membership.facts import Facts, ModelFact
from appliance.mesh.types import PeerState
from tests.sim.meshes import agree, facts_of, mesh, name_of, sees
from tests.sim.world import World


def test_a_new_box_knows_all_and_all_know_it() -> None:
    """Within a second, by a single contact."""
    world = mesh(30, 1)
    world.join(world.start("new"), name_of(7))
    assert world.run_while(lambda: not agree(world), 10) <= 1.5


def test_a_changed_model_is_known_within_seconds() -> None:
    """By twenty boxes, on a network that loses every tenth message."""
    world = mesh(20, 2)
    world.network.loss = 0.1
    facts = Facts(name="attic", models=(ModelFact("tiny", "ready"),))
    world.describe(name_of(0), facts)
    others = [box for box in world.running() if box.id != name_of(0)]
    assert world.run_while(lambda: any(facts_of(box, name_of(0)) != facts for box in others), 20) <= 5


def test_a_removal_reaches_everybody_within_seconds() -> None:
    """And who was away learns it on its return."""
    world = mesh(20, 3)
    world.crash(name_of(5))
    world.run(10)
    box = world.boxes[name_of(0)]
    world.carry(box, box.member.publish("removals", b"good: somebody", world.local(box)))
    assert world.run_while(lambda: len({node for _, node, _ in world.topics}) < 18, 10) <= 2
    world.join(world.start(name_of(5)), name_of(9))
    assert world.run_while(lambda: not agree(world), 10) <= 3
    assert list(world.boxes[name_of(5)].member.topic_items) == [("removals", b"good: somebody")]


def test_who_is_removed_is_gone_and_stays_out() -> None:
    """However much it says."""
    world = mesh(6, 4)
    bad = name_of(0)
    for box in world.running():
        if box.id != bad:
            box.banned.add(bad)
            world.carry(box, box.member.evict(bad, world.local(box)))
    world.run(30)
    assert all(sees(box, bad) is None for box in world.running() if box.id != bad)
    assert all(box.member.stats.strangers > 0 for box in world.running() if box.id != bad)


def test_demand_of_all_doors_is_the_same_everywhere() -> None:
    """And nothing is counted twice."""
    world = mesh(10, 5)
    world.network.loss, world.network.doubled = 0.1, 0.3
    for round_number in range(40):
        box = world.boxes[name_of(round_number % 10)]
        box.member.wanted("tiny", world.local(box), round_number)
        world.run(0.5)
    world.run(20)
    assert {box.member.demand.all(world.local(box))["tiny"].count for box in world.running()} == {sum(range(40))}


def test_counts_survive_the_box_that_counted() -> None:
    """When it comes back it has them again."""
    world = mesh(4, 6)
    box = world.boxes[name_of(0)]
    box.member.wanted("tiny", world.local(box), 7)
    world.run(5)
    world.crash(name_of(0))
    world.run(10)
    back = world.start(name_of(0))
    world.join(back, name_of(2))
    world.run(5)
    back.member.wanted("tiny", world.local(back))
    world.run(5)
    assert {b.member.demand.all(world.local(b))["tiny"].count for b in world.running()} == {8}


def client_knows_all(world: World, client: str) -> bool:
    members = {box.id for box in world.running()} - {client}
    return set(world.boxes[client].machine.members) == members and agree(world)


def test_a_client_has_the_table_and_hears_of_changes() -> None:
    """From one member; nobody counts it as a member."""
    world = mesh(10, 7)
    world.follow("client", [name_of(0)])
    assert world.run_while(lambda: not client_knows_all(world, "client"), 5) <= 1
    assert all(sees(box, "client") is None for box in world.running())
    world.leave(name_of(4))
    assert world.run_while(lambda: not client_knows_all(world, "client"), 5) <= 2
    facts = Facts(models=(ModelFact("tiny", "ready"),))
    world.describe(name_of(3), facts)
    client = world.boxes["client"]
    assert world.run_while(lambda: facts_of(client, name_of(3)) != facts, 5) <= 3


def test_a_client_turns_to_another_member() -> None:
    """When its own is gone."""
    world = mesh(5, 8)
    client = world.follow("client", [name_of(0)])
    world.run(3)
    world.crash(name_of(0))
    assert world.run_while(lambda: not client_knows_all(world, "client"), 30) <= 15
    assert client.machine.members[name_of(1)].state is PeerState.ALIVE


def test_a_quiet_mesh_is_quiet() -> None:
    """One question and one answer a second for each box, few bytes, no comparing."""
    world = mesh(50, 9, settle=20)
    messages, size = world.messages, world.bytes
    world.run(60)
    assert (world.messages - messages) / 60 / 50 <= 2.1
    assert (world.bytes - size) / 60 / 50 <= 100


def test_what_one_box_says_is_a_fact_of_the_record_and_not_of_the_messenger() -> None:
    """A record that passed through others is the same bytes everywhere."""
    world = mesh(12, 10)
    world.describe(name_of(0), msgspec.structs.replace(Facts(), name="attic"))
    world.run(5)
    assert len({box.machine.members[name_of(0)].record.blob for box in world.running() if box.id != name_of(0)}) == 1
