"""Listings of other meshes are claims."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.discovery.listing import (
    LONGEST_MODEL,
    MOST_LISTINGS,
    MOST_MODELS,
    MOST_OF_A_MESH,
    SKEW_S,
    TTL_S,
    Listing,
    content_of,
    read,
    read_all,
)
from appliance.storage.identity import node_id
from tests.unit.mesh.discovery.published import AUTHOR, KEY, MESH, NOW, offer_of, posted_of, token_of

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


def changed(**fields: Any) -> Listing | None:
    """Read after something in it was changed on the way."""
    entry = posted_of()
    return read(replace(entry, content=json.dumps(json.loads(entry.content) | fields)), NOW)


def test_what_is_published_is_what_is_read() -> None:
    """All of it."""
    offer = offer_of(
        name="H\u00f6me", region="eu", serving=("a", "b"), wanted=("c",), on_disk=("a", "b", "d"),
        vram_total=48 << 30, nodes=3, clients=2, max_clients=10,
    )  # fmt: skip
    assert read(posted_of(offer), NOW) == Listing(offer, node_id(KEY), AUTHOR, int(NOW), int(NOW) + TTL_S)


def test_a_listing_belongs_to_its_author() -> None:
    """Whoever copies it under a key of his own is not believed."""
    assert read(posted_of(author="cd" * 32), NOW) is None


def test_a_listing_leads_to_its_author() -> None:
    """An invitation by another node would make that node's name lend itself to anything."""
    assert read(posted_of(offer_of(token=token_of(issuer="b" * 16))), NOW) is None


def test_a_listing_leads_into_its_own_mesh() -> None:
    """The mesh in the entry, in the document and in the invitation are one."""
    assert read(posted_of(identifier="b" * 16), NOW) is None
    assert read(posted_of(offer_of(token=token_of(mesh="b" * 16))), NOW) is None


def test_an_invitation_that_ended_is_no_listing() -> None:
    """But for clocks that differ a little."""
    assert read(posted_of(offer_of(token=token_of(expires=NOW - SKEW_S - 1))), NOW) is None
    assert read(posted_of(offer_of(token=token_of(expires=NOW - 1))), NOW) is not None


@pytest.mark.parametrize(
    ("created", "expires", "shown"),
    [
        (0, TTL_S, True),
        (-TTL_S, 0, True),
        (-SKEW_S, TTL_S - SKEW_S, True),  # a clock that is late
        (SKEW_S, SKEW_S + TTL_S, True),  # one that is early
        (SKEW_S + 1, SKEW_S + TTL_S, False),
        (-TTL_S - SKEW_S - 1, -SKEW_S - 1, False),
        (-3600, 1 << 40, False),  # a claim to live for ever
        (0, None, False),
    ],
)
def test_listings_end(created: int, expires: int | None, shown: bool) -> None:
    """With tolerance for clocks that differ, and none for claims."""
    ends = None if expires is None else int(NOW) + expires
    assert (read(posted_of(created=int(NOW) + created, expires=ends), NOW) is not None) is shown


def test_a_later_protocol_is_left_alone() -> None:
    """What it means is not known."""
    assert changed(protocol=2) is None


def test_unknown_fields_are_left_alone() -> None:
    """A later version may say more."""
    assert changed(weather="fine") is not None


@pytest.mark.parametrize(
    "fields",
    [
        {"nodes": -1},
        {"nodes": 1 << 40},
        {"nodes": "3"},
        {"max_clients": -1},
        {"vram_total": 1 << 70},
        {"serving": ["m"] * (MOST_MODELS + 1)},
        {"serving": ["m" * 10_000]},
        {"serving": [1]},
        {"name": "n" * 10_000},
        {"name": None},
        {"key": "zz" * 32},
        {"proof": ""},
        {"token": "mbx1.x"},
        {"mesh": "../etc"},
        {"x": "y" * 20_000},
    ],
)
def test_what_is_out_of_bounds_is_no_listing(fields: dict[str, Any]) -> None:
    """It is dropped as a whole."""
    assert changed(**fields) is None


def test_texts_are_made_plain() -> None:
    """No control characters, no direction overrides; what shows nothing is not shown."""
    listing = changed(name="\u202eevil\n", region="\x00", serving=["a\x07b", "\u200b", "ab", "m" * 200])
    assert listing is not None
    assert listing.offer.name == "evil"
    assert listing.offer.region == ""
    assert listing.offer.serving == ("ab", "m" * LONGEST_MODEL)
    nameless = changed(name="\x00")
    assert nameless is not None
    assert nameless.offer.name == MESH


def test_what_is_published_is_within_bounds() -> None:
    """A mesh with more models than fit is listed with some of them."""
    offer = offer_of(name="n" * 500, on_disk=tuple(f"{number}" * 90 for number in range(200)), nodes=1 << 30)
    listing = read(posted_of(offer), NOW)
    assert listing is not None
    assert len(listing.offer.on_disk) == MOST_MODELS


def test_a_false_listing_does_not_hide_the_true_one() -> None:
    """Of one mesh those of several authors are kept, a bounded number, and the newest of each author."""
    keys = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in range(MOST_OF_A_MESH + 2)]
    entries = []
    for number, key in enumerate(keys):
        author = f"{number:064x}"
        content = content_of(offer_of(key), key, author)
        entries += [posted_of(author=author, content=content, created=int(NOW) - age) for age in (number, number + 50)]
    found = read_all(entries, NOW)
    assert [each.author for each in found] == [f"{number:064x}" for number in range(MOST_OF_A_MESH)]
    assert [int(NOW) - each.created for each in found] == list(range(MOST_OF_A_MESH))


def test_the_number_of_listings_is_bounded() -> None:
    """However many a directory gives."""
    meshes = ["".join("abcdefgh"[number >> shift & 7] for shift in (0, 3, 6)) + "a" * 13 for number in range(300)]
    assert len(read_all([posted_of(offer_of(mesh=mesh)) for mesh in meshes], NOW)) == MOST_LISTINGS


@given(st.text(max_size=200) | _JSON.map(json.dumps) | st.binary(max_size=40).map(lambda raw: raw.decode("latin-1")))
def test_no_content_does_harm(content: str) -> None:
    """Rubbish is no listing."""
    assert read(posted_of(content=content), NOW) is None


@given(st.dictionaries(st.sampled_from(sorted(json.loads(posted_of().content))), _JSON, min_size=1))
def test_no_field_does_harm(fields: dict[str, Any]) -> None:
    """Nothing, or a listing within bounds."""
    listing = changed(**fields)
    if listing is not None:
        assert len(listing.offer.name) <= 64
        assert len(listing.offer.serving) <= MOST_MODELS


def test_lone_surrogates_do_no_harm() -> None:
    """A text that is none in UTF-8."""
    assert read(posted_of(content="\ud800"), NOW) is None
    assert read(posted_of(content="[" * 10_000), NOW) is None
