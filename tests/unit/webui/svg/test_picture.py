"""The picture as values: what is drawn, and what is left to the tables."""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.types import Lane, Link, Peer, PeerState, Role
from tests.peers import make_links, make_peer, make_peers
from tests.unit.webui.meshes import outlook_with
from webui.svg.picture import MOST_DRAWN, Picture, lines_of
from webui.views.topology import topology


def picture_of(peers: tuple[Peer, ...], links: tuple[Link, ...] = ()) -> Picture:
    return topology(outlook_with(peers, links)).picture


@given(st.lists(st.text(st.characters(codec=None), max_size=40), max_size=60), st.booleans())
def test_cards_stand_apart_whatever_the_names(names: list[str], hostile: bool) -> None:
    """Names, models and numbers of accelerators differ; the cards do not touch and lie inside the picture."""
    peers = tuple(make_peer(number, name=name, id=f"{number}-{name}") for number, name in enumerate(names))
    picture = picture_of(make_peers(len(peers), hostile=True) if hostile else peers)
    for one, other in combinations(picture.cards, 2):
        assert abs(one.x - other.x) >= picture.card_width or abs(one.y - other.y) >= picture.card_height
    for card in picture.cards:
        assert 0 <= card.x <= picture.width - picture.card_width
        assert 0 <= card.y <= picture.height - picture.card_height
        assert all(0 <= bar.fill <= bar.width for bar in card.bars)
        assert all(bar.y + 10 <= picture.card_height for bar in card.bars)
        assert all(line.y + 17 <= picture.card_height for line in card.models)


def test_one_box_is_drawn_alone() -> None:
    """In the middle, with the ornament of a lonely box."""
    picture = picture_of(())
    (card,) = picture.cards
    assert picture.alone
    assert card.x + picture.card_width / 2 == picture.width / 2


def test_a_few_links_carry_their_numbers() -> None:
    """Those of this box; a link that nobody measured has no label."""
    peers = make_peers(3)
    links = (Link("node", "peer0000", Lane.QUIC, 0.4, 940.0), Link("node", "peer0001", None))
    picture = picture_of(peers, (*links, Link("peer0000", "peer0001", Lane.TLS, 1.0, 10.0)))
    assert [link.css for link, _ in picture.lines.links] == ["quic", "none", "tls"]
    assert [label.words for label in picture.lines.labels] == [("0.4 ms", "940 MB/s")]


def test_many_links_are_drawn_for_the_chosen_box_only() -> None:
    """Every link of twenty boxes would be a ball of wool."""
    peers = make_peers(20)
    shown = topology(outlook_with(peers, make_links(peers, full=True)))
    assert len(shown.links) == 210
    assert len(shown.picture.lines.links) == 20
    assert shown.picture.lines.labels == ()
    peer = shown.nodes[3]
    assert len(lines_of(shown.picture, peer, shown.links).links) == 20


def test_a_label_behind_a_card_is_left_out() -> None:
    """The link between two boxes on opposite sides runs behind this box."""
    shown = topology(outlook_with(make_peers(2), (Link("peer0000", "peer0001", Lane.QUIC, 1.0),)))
    lines = lines_of(shown.picture, shown.nodes[1], shown.links)
    assert (len(lines.links), lines.labels) == (1, ())


def test_clients_have_a_shape_of_their_own() -> None:
    """Round, without memory to fill."""
    this, client = picture_of((make_peer(0, role=Role.CLIENT, models=()),)).cards
    assert client.round > this.round
    assert (client.bars, client.more) == ((), "only asks")


def test_cut_names_keep_what_tells_them_apart() -> None:
    """Also on the smallest card."""
    twins = [replace(make_peer(number), name="a long name that both have", id=f"{number}abc") for number in (1, 2)]
    cards = picture_of((*make_peers(30), *twins)).cards
    names = [card.name for card in cards if card.node.name.startswith("a long name")]
    assert [name.rpartition("…")[2] for name in names] == [" (1abc)", " (2abc)"]


def test_what_has_gone_shows_no_old_readings() -> None:
    """A lost box has neither memory nor models that one could use."""
    _, lost = picture_of((make_peer(1, state=PeerState.DEAD),)).cards
    assert (lost.state, lost.bars, lost.models) == ("lost", (), ())


@pytest.mark.parametrize(("count", "style"), [(0, "full"), (7, "full"), (8, "compact"), (19, "compact"), (20, "small")])
def test_more_boxes_get_smaller_cards(count: int, style: str) -> None:
    """So that fifty can be read on one screen."""
    assert picture_of(make_peers(count)).style == style


def test_a_crowd_is_left_to_the_table() -> None:
    """The picture says how many it leaves out."""
    shown = topology(outlook_with(make_peers(300)))
    assert len(shown.picture.cards) == MOST_DRAWN
    assert shown.notes == ("The picture shows 120 of 301 boxes.",)
    assert shown.nodes_left_out == "The table shows the first 250 of 301."
