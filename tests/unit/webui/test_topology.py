"""What the topology page says about boxes, links and models."""

from __future__ import annotations

import re
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit
from xml.etree import ElementTree as ET

import pytest

from appliance.hardware.types import Gpu
from appliance.mesh.types import Lane, Link, NodeShare, PeerModel, PeerState, Role
from appliance.node.snapshot import ChildState
from appliance.run_loop import Outlook
from tests.builders import INVENTORY, MODEL_ID, make_child, make_snapshot, with_child
from tests.peers import GIB, make_link, make_links, make_peer, make_peers
from tests.unit.webui.meshes import named, outlook_with
from webui.pages.topology import SharedView, Viewer
from webui.render import Templates
from webui.views.topology import Topology, topology
from webui.views.topology_card import NodeCard, Selection, SideCard, side_card

TEMPLATES = Templates()


def card_of(outlook: Outlook, **chosen: str) -> SideCard:
    return side_card(topology(outlook), outlook, Selection(**chosen))


def node_card(outlook: Outlook, node: str) -> NodeCard:
    card = card_of(outlook, node=node).node
    assert card is not None
    return card


def names(shown: Topology) -> list[str]:
    return [node.full_name for node in shown.nodes]


def test_a_lonely_box_says_so() -> None:
    """In one plain sentence, and nothing pretends that there were others."""
    shown = topology(outlook_with())
    assert shown.sentence == "This is the only box so far."
    assert names(shown) == ["meshbox"]
    assert (shown.links, shown.legend, shown.notes) == ((), (), ())


@pytest.mark.parametrize(
    ("states", "sentence"),
    [
        ((PeerState.ALIVE,), "2 boxes work together."),
        ((PeerState.ALIVE, PeerState.SUSPECT), "3 boxes; 1 does not answer."),
        ((PeerState.DEAD, PeerState.SUSPECT, PeerState.LEFT), "3 boxes; 2 of them do not answer."),
        ((PeerState.LEFT,), "All other boxes have left."),
    ],
)
def test_one_sentence_tells_how_the_mesh_is(states: tuple[PeerState, ...], sentence: str) -> None:
    """Who has left is not missed."""
    peers = tuple(make_peer(number, state=state) for number, state in enumerate(states))
    assert topology(outlook_with(peers)).sentence == sentence


def test_boxes_stand_in_a_fixed_order() -> None:
    """This one first, the others by name whatever their order in the report, clients last."""
    peers = (make_peer(5), make_peer(0, role=Role.CLIENT), make_peer(2), make_peer(4))
    assert names(topology(outlook_with(peers))) == ["meshbox", "den", "lab", "loft", "attic"]
    assert topology(outlook_with(peers)) == topology(outlook_with(peers[::-1]))


def test_boxes_of_one_name_are_told_apart() -> None:
    """By their ids; this box's name counts too."""
    twins = (make_peer(1, id="aaaaaaaaaaaa", name="Den"), make_peer(2, id="bbbbbbbbbbbb", name="lab"))
    shown = topology(outlook_with(twins, snapshot=named(make_snapshot(), "den")))
    assert names(shown) == ["den (node)", "Den (aaaa)", "lab"]


def test_this_box_is_described_like_the_others() -> None:
    """From the snapshot: hardware, models, version."""
    snapshot = make_snapshot(inventory=replace(INVENTORY, gpus=(Gpu("g", "RTX 4090", "nvidia", 24 * GIB, 6 * GIB),)))
    outlook = outlook_with(snapshot=with_child(snapshot, make_child(snapshot, context=1024)))
    card = node_card(outlook, "node")
    assert (card.node.here, card.node.state, card.node.role) == (True, "answering", "Computes with graphics processors")
    assert [(meter.label, meter.percent) for meter in card.meters] == [("RTX 4090", 25), ("Memory", 50)]
    assert [(part.name, part.state, part.share) for part in card.node.models] == [(MODEL_ID, "ready", "whole")]
    assert dict(card.facts)["Version"] == "0.1.0"


def test_memory_of_several_accelerators_is_added_up() -> None:
    """The table has one line for them; the card shows each."""
    outlook = outlook_with((make_peer(4),))
    node = topology(outlook).nodes[1]
    assert node.space is not None
    assert (node.space.label, node.space.text) == ("4 GPUs", "50.0 GiB of 96.0 GiB in use")
    assert len(node_card(outlook, "peer0004").meters) == 5


def test_each_pair_has_one_link_as_this_box_measured_it() -> None:
    """What the other end says is taken where this box said nothing; links into nowhere are left out."""
    peers = make_peers(2)
    links = (
        Link("peer0000", "node", Lane.RELAY, 99.0),
        Link("node", "peer0000", Lane.QUIC, 0.44, 939.6, 0.0),
        Link("peer0001", "peer0000", Lane.RELAY, 20_000.0, 1.25, 0.004, via="node"),
        Link("peer0001", "stranger", Lane.TLS),
        Link("peer0001", "peer0001", Lane.TLS),
    )
    own, other = topology(outlook_with(peers, links)).links
    assert (own.one.name, own.other.name, own.lane) == ("meshbox", "attic", "direct, QUIC")
    assert (own.rtt, own.rate, own.loss) == ("0.4 ms", "940 MB/s", "none")
    assert (other.lane, other.rtt, other.rate, other.loss) == ("through meshbox", "20 s", "1.2 MB/s", "0.4 %")


@pytest.mark.parametrize("number", [float("nan"), float("inf"), -1.0, 1e300])
def test_a_number_that_makes_no_sense_is_not_shown(number: float) -> None:
    """A dash stands in its place."""
    peer = make_peer(0, rtt_ms=number, started_at=number, seen_at=number, state=PeerState.SUSPECT)
    link = make_link("node", peer.id, rtt_ms=number, mb_s=number, loss=number)
    outlook = outlook_with((peer,), (link,))
    (shown,) = topology(outlook).links
    assert (shown.rtt, shown.rate, shown.loss) == (None, None, None)
    assert [label for label, _ in node_card(outlook, peer.id).facts] == ["Version", "Build"]


def test_a_split_model_shows_its_shares() -> None:
    """The host first; who has not said yet what it does is taken from the host's plan."""
    snapshot = make_snapshot()
    outlook = outlook_with(make_peers(1), snapshot=with_child(snapshot, make_child(snapshot, context=4096)))
    (entry,) = outlook.decision.serving
    split = replace(entry, kind="pipeline", nodes=(NodeShare("node", 0.75), NodeShare("peer0000", 0.25)))
    outlook = replace(outlook, decision=replace(outlook.decision, serving=(split,)))
    card = card_of(outlook, model=MODEL_ID, host="box.lan:3131").model
    assert card is not None
    assert [(p.node.name, p.part.share, p.part.host) for p in card.model.places] == [
        ("meshbox", "75 %", True),
        ("attic", "25 %", False),
    ]
    assert card.facts == (("How", "split by layers"), ("Context", "4,096 tokens"))
    assert card.address == "http://box.lan:9337/v1"


def test_a_model_of_another_box_has_no_address_here() -> None:
    """Until requests for it are passed on. A model called auto gets none by its name."""
    model = PeerModel("auto", "ready")
    card = card_of(outlook_with((make_peer(0, models=(model,)),)), model="auto").model
    assert card is not None
    assert card.address is None


def test_the_best_state_of_a_model_is_shown() -> None:
    """It answers when one box has it ready."""
    peers = (
        make_peer(0, models=(PeerModel("m", "failed"),)),
        make_peer(1, models=(PeerModel("m", "ready"),)),
        make_peer(2, models=(PeerModel("m", "dreaming"),)),
    )
    model = next(m for m in topology(outlook_with(peers)).models if m.id == "m")
    assert (model.state, model.tone) == ("ready", "good")
    assert [place.part.state for place in model.places] == ["failed", "ready", "dreaming"]


def test_what_lost_boxes_served_is_not_served() -> None:
    """Nobody can ask them."""
    peers = (make_peer(0, models=(PeerModel("m", "ready"),), state=PeerState.DEAD),)
    assert [model.id for model in topology(outlook_with(peers)).models] == [MODEL_ID]


def test_lost_boxes_show_what_they_have_and_not_what_they_did() -> None:
    """Sizes stay true; readings are old."""
    outlook = outlook_with((make_peer(1, state=PeerState.DEAD),))
    card = node_card(outlook, "peer0001")
    assert [(meter.text, meter.percent) for meter in card.meters] == [("24.0 GiB", None), ("64.0 GiB", None)]
    assert dict(card.facts)["Last heard of"] == "2023-11-14 22:15:00 UTC"
    assert card.node.rtt is None


def test_what_is_not_there_is_told() -> None:
    """The card says so; nothing is marked."""
    outlook = outlook_with(make_peers(2))
    assert card_of(outlook, node="gone") == card_of(outlook, model="gone") == SideCard()


def test_a_long_list_of_links_is_cut() -> None:
    """The table has the rest."""
    peers = make_peers(30)
    card = node_card(outlook_with(peers, make_links(peers)), "node")
    assert (len(card.links), card.links_left_out) == (12, "and 18 more")


def blocks_of(outlook: Outlook, **chosen: str) -> dict[str, str]:
    return dict(Viewer(SharedView(TEMPLATES), Selection(**chosen)).render(outlook))


def svg_of(html: str) -> ET.Element:
    start = html.index("<svg id=")
    return ET.fromstring(html[start : html.index("</div>", start)])


@pytest.mark.parametrize("count", [0, 1, 7, 19, 50])
@pytest.mark.parametrize("hostile", [False, True])
def test_the_picture_is_well_formed(count: int, hostile: bool) -> None:
    """An XML parser reads it, whatever the names; each box and each model of it is a link."""
    peers = make_peers(count, hostile=hostile)
    outlook = outlook_with(peers, make_links(peers, full=count < 10))
    svg = svg_of(blocks_of(outlook, node="node")["picture"])
    assert {child.tag for child in svg} == {"title", "desc", "defs", "g"}
    boxes = [link for link in svg.iter("a") if link.get("class") is None]
    assert len(boxes) == count + 1
    assert all(link.get("href", "").startswith("/topology?node=") for link in boxes)
    assert all(link.findtext("title") for link in svg.iter("a"))
    assert {element.tag for element in svg.iter()} <= {
        *("svg", "title", "desc", "defs", "clipPath", "rect", "circle", "line", "text", "g", "a", "use")
    }


def test_hostile_names_stay_text() -> None:
    """In the picture, the tables and the cards: no markup, no handlers, no direction overrides, no template code."""
    peers = make_peers(40, hostile=True)
    outlook = outlook_with(peers, make_links(peers))
    shown = topology(outlook)
    chosen = [{"node": node.href.partition("=")[2]} for node in shown.nodes]
    for html in ("".join(blocks_of(outlook, **choice).values()) for choice in [{}, *chosen[:3]]):
        assert html.encode()
        assert "<script" not in html
        assert "<img" not in html
        assert not re.search("[\u202a-\u202e\u2066-\u2069\u200b\ufeff\x00-\x08]", html)
        assert "{{ 7 * 7 }}" in html or "{{" not in html


def test_every_box_can_be_chosen_whatever_its_id() -> None:
    """The address of its link leads to its card."""
    outlook = outlook_with(make_peers(40, hostile=True))
    for node in topology(outlook).nodes:
        (chosen,) = parse_qs(urlsplit(node.href).query, strict_parsing=True)["node"]
        assert node_card(outlook, chosen).node.id == node.id


def test_what_was_chosen_is_marked() -> None:
    """In the picture and in the tables, and nowhere else; its links are drawn over the others."""
    peers = make_peers(3)
    outlook = outlook_with(peers, make_links(peers))
    blocks = blocks_of(outlook, node="peer0001")
    for name in ("picture", "nodes"):
        assert blocks[name].count("aria-current") == 1
    assert 'id="picked-lines" class="picked"' in blocks["picture"]
    assert "aria-current" not in blocks["models"] + blocks["links"]
    assert "aria-current" not in "".join(blocks_of(outlook).values())


def test_a_chosen_model_is_marked_wherever_it_is_served() -> None:
    """On every box."""
    peers = tuple(make_peer(number, models=(PeerModel("m", "ready"),)) for number in range(2))
    blocks = blocks_of(outlook_with(peers), model="m")
    assert blocks["picture"].count('aria-current="true"') == 2
    assert blocks["nodes"].count('aria-current="true"') == 2
    assert blocks["models"].count('aria-current="true"') == 1


def test_viewers_share_what_is_the_same_for_all() -> None:
    """Picture and tables are made once for each state, however many look and whatever they chose."""
    outlook = outlook_with(make_peers(5))
    shared = SharedView(TEMPLATES)
    assert shared.topology(outlook) is shared.topology(outlook)
    first = Viewer(shared, Selection()).render(outlook)
    second = Viewer(shared, Selection(node="peer0001")).render(outlook)
    assert first["links"] is second["links"]
    assert first["card"] != second["card"]


def test_a_loading_engine_shows_on_this_box() -> None:
    """The state of the box and of its model."""
    snapshot = make_snapshot()
    outlook = outlook_with(snapshot=with_child(snapshot, make_child(snapshot, state=ChildState.STARTING)))
    (node,) = topology(outlook).nodes
    assert (node.state, [part.state for part in node.models]) == ("loading", ["loading"])
