"""Other boxes for tests: any number of plausible ones, and some that mean harm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from appliance.mesh.types import Lane, Link, Peer, PeerGpu, PeerMemory, PeerModel, PeerState, Role

GIB = 1 << 30
NAMES = ("attic", "basement", "den", "garage", "lab", "loft", "office", "studio", "workshop", "kitchen")
CARDS = (("GeForce RTX 4090", 24), ("Radeon RX 7900 XTX", 24), ("Arc A770", 16), ("RTX A6000", 48))
MODELS = ("Qwen3-8B-Q4_K_M", "Llama-3.3-70B-Instruct-Q4_K_M", "gemma-3-12b-it-Q8_0")
STATES = (*(PeerState.ALIVE,) * 5, PeerState.SUSPECT, PeerState.ALIVE, PeerState.DEAD, PeerState.ALIVE, PeerState.LEFT)
LANES = (Lane.QUIC, Lane.TLS, Lane.QUIC, Lane.RELAY, None)

HOSTILE_TEXTS = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]></svg><script>alert(1)</script>",
    "\u202egpj.exe\u202c",  # right-to-left override
    "\u2067שלום\u2069 עולם",  # noqa: RUF001 - meant to be taken for other letters
    "مرحبا بالعالم",
    "👩‍👩‍👧‍👦 family 🏳️‍🌈",
    "zero\u200bwidth\ufeff\u2060",
    "\u200b\u200b",
    "",
    "line\nbreak\r\nand\ttab\u2028more\x85",
    "lone \ud800 surrogate \udfff",
    "nul\x00 bell\x07 escape\x1b[31m",
    "n" * 200,
    "W" * 5000,
    "漢字" * 60,
    "Z\u0335\u0321\u0322\u0489\u0353" * 40,
    "noncharacter\ufffe\uffff",
    "a&b;c'd\"e/f\\g?h#i%j k",
    "{{ 7 * 7 }}{% raw %}",
)


def make_peer(number: int = 0, **fields: Any) -> Peer:
    """A plausible box; the number decides what it has."""
    round_number, place = divmod(number, len(NAMES))
    name = NAMES[place] if not round_number else f"{NAMES[place]}-{round_number + 1}"
    client = number % 9 == 8
    base = Peer(
        id=f"peer{number:04d}",
        name=name,
        role=Role.CLIENT if client else Role.NODE,
        state=STATES[number % len(STATES)],
        rtt_ms=0.3 + number % 40,
        addresses=(f"192.168.1.{number % 250 + 1}:9338",),
        version="0.1.0",
        flavor="cuda" if number % 4 else "cpu",
        gpus=() if client else _gpus(number),
        memory=PeerMemory(64 * GIB, (number * 7 % 60) * GIB),
        models=() if client else _models(number),
        started_at=1_700_000_000.0,
        seen_at=1_700_000_100.0,
    )
    return replace(base, **fields)


def _gpus(number: int) -> tuple[PeerGpu, ...]:
    name, size = CARDS[number % len(CARDS)]
    return tuple(
        PeerGpu(f"gpu-{number}-{index}", name, size * GIB, (number * 5 + index * 3) % size * GIB)
        for index in range((0, 1, 2, 1, 4)[number % 5])
    )


def _models(number: int) -> tuple[PeerModel, ...]:
    split = PeerModel(MODELS[1], "ready", 0.25, "pipeline", host=number == 0, context=131_072)
    own = PeerModel(MODELS[2 * (number % 2)], "ready" if number % 3 else "loading", context=32_768)
    return ((own,), (own, split), (), (split,))[number % 4]


def make_peers(count: int, *, hostile: bool = False) -> tuple[Peer, ...]:
    """`count` boxes; when hostile, every text of them is one of the worst."""
    peers = tuple(make_peer(number) for number in range(count))
    return tuple(make_hostile(peer, number) for number, peer in enumerate(peers)) if hostile else peers


def make_hostile(peer: Peer, number: int = 0) -> Peer:
    """The same box with bad texts everywhere and numbers that make no sense."""
    text = HOSTILE_TEXTS[number % len(HOSTILE_TEXTS)]
    odd = (float("nan"), float("inf"), -1.0, 1e300)[number % 4]
    return replace(
        peer,
        id=f"{text}{number}",
        name=text,
        rtt_ms=odd,
        addresses=(text, text),
        version=text,
        flavor=text,
        gpus=(PeerGpu(text, text, 10**400, -(10**400), text), PeerGpu(text, text, 0, 5), PeerGpu(text, text, None)),
        memory=PeerMemory(-1, 10**30),
        models=(
            PeerModel(text, text, odd, text, context=10**30),
            PeerModel(text, "ready"),
            PeerModel(f"{text} 2", "ready", context=-5),
        ),
        started_at=odd,
        seen_at=odd,
    )


def make_links(peers: tuple[Peer, ...], own: str = "node", *, full: bool = False) -> tuple[Link, ...]:
    """This box's link to each peer; when full, those between the peers too."""
    star = tuple(make_link(own, peer.id, number) for number, peer in enumerate(peers))
    pairs = [(one, other) for at, one in enumerate(peers) for other in peers[at + 1 :]] if full else []
    return star + tuple(make_link(one.id, other.id, number) for number, (one, other) in enumerate(pairs))


def make_link(source: str, target: str, number: int = 0, **fields: Any) -> Link:
    lane = LANES[number % len(LANES)]
    base = Link(source, target, lane)
    if lane is not None:
        base = Link(source, target, lane, rtt_ms=0.4 + number % 30, mb_s=940.0 / (1 + number % 7), loss=0.0)
    return replace(base, **fields)
