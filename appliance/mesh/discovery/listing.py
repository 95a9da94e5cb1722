"""What a mesh publishes of itself, and what is made of what others publish (pure).

A listing says who wrote it, and its token leads to that very node: nobody can lend the name of a member to a false one.
That the node belongs to the mesh is shown by the handshake only. Its times are those of its author's clock: they are
taken with tolerance, and whether a listing is still renewed is judged by the reader's own clock (see `publisher`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from msgspec import Meta, Struct

from appliance.mesh.discovery.authorship import proof_of, proven
from appliance.mesh.discovery.names import LONGEST
from appliance.mesh.identity.coding import NodeId
from appliance.mesh.identity.signing import public_of
from appliance.mesh.identity.tokens import LONGEST as LONGEST_TOKEN
from appliance.mesh.identity.tokens import BadToken, parse
from appliance.mesh.plain import bounded, plain
from appliance.storage.identity import id_of

KIND = 31990  # of events in Nostr: handlers of something, replaced by author and identifier
LABEL = "meshbox"  # others use that kind too
PROTOCOL = 1
TTL_S = 120
SKEW_S = 300  # clocks may differ by so much
LONGEST_CONTENT = 16 * 1024
LONGEST_REGION = 32
LONGEST_MODEL = 96
MOST_MODELS = 32
MOST_LISTINGS = 256
MOST_OF_A_MESH = 4  # by different authors: a false one must not hide the true one
_LARGEST = 1_000_000

_Models = Annotated[tuple[Annotated[str, Meta(max_length=4 * LONGEST_MODEL)], ...], Meta(max_length=MOST_MODELS)]
_Count = Annotated[int, Meta(ge=0, le=_LARGEST)]
_Bytes = Annotated[int, Meta(ge=0, le=1 << 62)]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a mesh says of itself."""

    token: str  # an invitation, open to everybody who reads it
    mesh: str
    name: str
    region: str = ""
    serving: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    on_disk: tuple[str, ...] = ()
    vram_total: int = 0  # bytes
    nodes: int = 1
    clients: int = 0
    max_clients: int | None = None  # none: as many as come

    @property
    def full(self) -> bool:
        return self.max_clients is not None and self.clients >= self.max_clients


@dataclass(frozen=True, slots=True)
class Posted:
    """An entry as a directory gave it: its author signed it, nothing else is known to be true."""

    author: str
    identifier: str
    content: str
    created: int  # seconds
    expires: int | None


@dataclass(frozen=True, slots=True)
class Listing:
    offer: Offer
    node: str  # who published it
    author: str
    created: int
    expires: int


class _Document(Struct, frozen=True):
    protocol: Annotated[int, Meta(ge=1, le=1 << 16)]
    mesh: NodeId
    key: Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
    proof: Annotated[str, Meta(pattern=r"\A[0-9a-f]{128}\Z")]
    token: Annotated[str, Meta(max_length=LONGEST_TOKEN)]
    name: Annotated[str, Meta(max_length=4 * LONGEST)]
    region: Annotated[str, Meta(max_length=4 * LONGEST_REGION)] = ""
    serving: _Models = ()
    wanted: _Models = ()
    on_disk: _Models = ()
    vram_total: _Bytes = 0
    nodes: _Count = 1
    clients: _Count = 0
    max_clients: _Count | None = None


_DECODER = msgspec.json.Decoder(_Document)


def content_of(offer: Offer, key: Ed25519PrivateKey, author: str) -> str:
    """`author` is how the directory will know the writer."""
    document = _Document(
        protocol=PROTOCOL,
        mesh=offer.mesh,
        key=public_of(key).hex(),
        proof=proof_of(key, offer.mesh, author).hex(),
        token=offer.token,
        name=plain(offer.name, LONGEST),
        region=plain(offer.region, LONGEST_REGION),
        serving=_models(offer.serving),
        wanted=_models(offer.wanted),
        on_disk=_models(offer.on_disk),
        vram_total=bounded(offer.vram_total) or 0,
        nodes=min(offer.nodes, _LARGEST),
        clients=min(offer.clients, _LARGEST),
        max_clients=None if offer.max_clients is None else min(offer.max_clients, _LARGEST),
    )
    return msgspec.json.encode(document).decode()


def read(posted: Posted, now: float) -> Listing | None:
    """`now` is this machine's wall clock. Nothing when it is no listing, or one that nobody should follow."""
    document = _document(posted.content)
    if document is None or document.protocol != PROTOCOL or document.mesh != posted.identifier:
        return None
    if posted.expires is None or not _is_current(posted.created, posted.expires, now):
        return None
    public = bytes.fromhex(document.key)
    node = id_of(public)
    if not _leads_to(document.token, document.mesh, node, now):
        return None
    if not proven(public, bytes.fromhex(document.proof), document.mesh, posted.author):
        return None
    return Listing(_offer(document), node, posted.author, posted.created, posted.expires)


def read_all(entries: Iterable[Posted], now: float) -> tuple[Listing, ...]:
    """The newest first; a bounded number, and of one mesh a few."""
    latest: dict[tuple[str, str], Listing] = {}
    for listing in filter(None, (read(posted, now) for posted in entries)):
        place = (listing.offer.mesh, listing.author)
        if place not in latest or latest[place].created < listing.created:
            latest[place] = listing
    taken: defaultdict[str, int] = defaultdict(int)
    kept = []
    for listing in sorted(latest.values(), key=lambda each: (-each.created, each.author)):
        taken[listing.offer.mesh] += 1
        if taken[listing.offer.mesh] <= MOST_OF_A_MESH:
            kept.append(listing)
    return tuple(kept[:MOST_LISTINGS])


def _document(content: str) -> _Document | None:
    try:
        raw = content.encode()
        return _DECODER.decode(raw) if len(raw) <= LONGEST_CONTENT else None
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None


def _is_current(created: int, expires: int, now: float) -> bool:
    """Nothing lives for longer than a listing does, whatever it says."""
    return created - SKEW_S <= now <= min(expires, created + 2 * TTL_S) + SKEW_S


def _leads_to(text: str, mesh: str, node: str, now: float) -> bool:
    token = parse(text)
    if isinstance(token, BadToken):
        return False
    return token.mesh == mesh and token.issuer == node and token.expires >= (now - SKEW_S) * 1000


def _offer(document: _Document) -> Offer:
    return Offer(
        token=document.token,
        mesh=document.mesh,
        name=plain(document.name, LONGEST) or document.mesh,
        region=plain(document.region, LONGEST_REGION),
        serving=_models(document.serving),
        wanted=_models(document.wanted),
        on_disk=_models(document.on_disk),
        vram_total=bounded(document.vram_total) or 0,
        nodes=document.nodes,
        clients=document.clients,
        max_clients=document.max_clients,
    )


def _models(names: tuple[str, ...]) -> tuple[str, ...]:
    shown = (plain(name, LONGEST_MODEL) for name in names[:MOST_MODELS])
    return tuple(dict.fromkeys(name for name in shown if name))
