"""Listings as a directory gives them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.discovery.listing import TTL_S, Listing, Offer, Posted, content_of
from appliance.mesh.identity.tokens import Token, written
from appliance.mesh.types import Role
from appliance.storage.identity import node_id

NOW = 1_800_000_000.0
MESH = "meshmeshmeshmesh"
AUTHOR = "ab" * 32
KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


def token_of(key: Ed25519PrivateKey = KEY, mesh: str = MESH, *, issuer: str = "", expires: float = NOW + 86_400) -> str:
    token = Token(
        invite=b"i" * 8,
        secret=b"s" * 20,
        mesh=mesh,
        issuer=issuer or node_id(key),
        addresses=("192.0.2.1:9338",),
        role=Role.CLIENT,
        expires=int(expires * 1000),
    )
    return written(token)


def offer_of(key: Ed25519PrivateKey = KEY, **changes: Any) -> Offer:
    offer = Offer(token="", mesh=MESH, name="Home")
    offer = replace(offer, **changes)
    return offer if offer.token else replace(offer, token=token_of(key, offer.mesh))


def posted_of(offer: Offer | None = None, key: Ed25519PrivateKey = KEY, **changes: Any) -> Posted:
    offer = offer or offer_of(key)
    entry = Posted(AUTHOR, offer.mesh, content_of(offer, key, AUTHOR), int(NOW), int(NOW) + TTL_S)
    return replace(entry, **changes)


def listing_of(node: str = "a" * 16, created: int = int(NOW), author: str = AUTHOR, **changes: Any) -> Listing:
    return Listing(offer_of(**changes), node, author, created, created + TTL_S)
