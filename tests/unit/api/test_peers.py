"""Other boxes in the status document."""

from __future__ import annotations

from dataclasses import replace

import msgspec

from appliance.api.peers import link_document, members, peer_document
from appliance.api.status import changed_sections, status_document
from appliance.mesh.types import Lane, Link, NodeShare, PeerState, Role
from appliance.node.events import PeersReported
from appliance.node.reduce import reduce
from tests.builders import make_snapshot
from tests.peers import GIB, make_links, make_peer, make_peers
from tests.unit.webui.meshes import outlook_with


def test_a_peer_is_told_whole() -> None:
    """As the contract names it."""
    document = peer_document(make_peer(1))
    assert document == {
        "id": "peer0001",
        "name": "basement",
        "role": "node",
        "state": "alive",
        "rtt_ms": 1.3,
        "addresses": ["192.168.1.2:9338"],
        "version": "0.1.0",
        "flavor": "cuda",
        "gpus": [
            {
                "id": "gpu-1-0",
                "name": "Radeon RX 7900 XTX",
                "vendor": "",
                "memory": {"total": 24 * GIB, "used": 5 * GIB},
            }
        ],
        "memory": {"total": 64 * GIB, "used": 7 * GIB},
        "models": [
            {
                "id": "gemma-3-12b-it-Q8_0",
                "state": "ready",
                "kind": "solo",
                "share": 1.0,
                "host": True,
                "context_length": 32_768,
            },
            {
                "id": "Llama-3.3-70B-Instruct-Q4_K_M",
                "state": "ready",
                "kind": "pipeline",
                "share": 0.25,
                "host": False,
                "context_length": 131_072,
            },
        ],
        "started_at": "2023-11-14T22:13:20Z",
        "seen_at": "2023-11-14T22:15:00Z",
    }


def test_a_link_is_told_whole() -> None:
    """No lane means that the two cannot talk."""
    assert link_document(Link("a", "b", Lane.RELAY, 4.0, 12.5, 0.01, via="c")) == {
        "from": "a",
        "to": "b",
        "lane": "relay",
        "rtt_ms": 4.0,
        "mb_s": 12.5,
        "loss": 0.01,
        "via": "c",
    }
    assert link_document(Link("a", "b", None))["lane"] is None


def test_members_are_those_who_have_not_left() -> None:
    """A lost box is a member still, and so is a client; one that said goodbye is none."""
    peers = (
        make_peer(0, state=PeerState.DEAD),
        make_peer(1, role=Role.CLIENT),
        make_peer(2, state=PeerState.LEFT),
    )
    outlook = outlook_with(peers)
    assert members(outlook.snapshot) == 3
    assert status_document(outlook, 0.0)["mesh"]["members"] == 3


def test_hostile_peers_do_not_break_the_document() -> None:
    """What cannot be encoded would end the event stream for everybody."""
    peers = make_peers(40, hostile=True)
    document = status_document(outlook_with(peers, make_links(peers)), 0.0)
    assert len(msgspec.json.decode(msgspec.json.encode(document))["links"]) == 40


def test_a_split_shows_the_share_of_each_node() -> None:
    """The host first, as the plan has it."""
    outlook = outlook_with(make_peers(1))
    (entry,) = outlook.decision.serving
    split = replace(entry, kind="pipeline", nodes=(NodeShare("node", 0.75), NodeShare("peer0000", 0.25)))
    outlook = replace(outlook, decision=replace(outlook.decision, serving=(split,)))
    (told,) = status_document(outlook, 0.0)["serving"]
    assert told["nodes"] == [{"id": "node", "share": 0.75}, {"id": "peer0000", "share": 0.25}]


def test_a_sign_of_life_alone_is_no_change() -> None:
    """Peers are heard from every second; nobody is woken by that."""
    snapshot = reduce(make_snapshot(), PeersReported((make_peer(0, seen_at=1.0),)))
    assert reduce(snapshot, PeersReported((make_peer(0, seen_at=2.0),))) == snapshot


def test_a_change_of_a_peer_is_told_as_one_section() -> None:
    """Not the whole document."""
    before, after = outlook_with((make_peer(0),)), outlook_with((make_peer(0, state=PeerState.SUSPECT),))
    assert set(changed_sections(status_document(before, 1.0), status_document(after, 2.0))) == {"peers"}
