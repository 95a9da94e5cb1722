"""What is left of the limits of a key, in the headers that clients know. Pure."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

from appliance.keys.quota import Limit, Room
from appliance.proxy.asgi import Header
from appliance.proxy.endpoints import Shape

_NAMES = {Limit.REQUESTS: b"requests", Limit.TOKENS: b"tokens"}


def rate_headers(rooms: Mapping[Limit, Room], shape: Shape, now: float) -> list[Header]:
    """As OpenAI names them; where Anthropic's clients ask, as Anthropic does as well. `now` by the wall clock."""
    listed = [(_NAMES[limit], room) for limit, room in rooms.items()]
    headers = [header for name, room in listed for header in _openai(name, room)]
    if shape is Shape.ANTHROPIC:
        headers += [header for name, room in listed for header in _anthropic(name, room, now)]
    return headers


def _openai(name: bytes, room: Room) -> Iterator[Header]:
    yield b"x-ratelimit-limit-" + name, b"%d" % room.most
    yield b"x-ratelimit-remaining-" + name, b"%d" % room.left
    yield b"x-ratelimit-reset-" + name, span(room.reset).encode("ascii")


def _anthropic(name: bytes, room: Room, now: float) -> Iterator[Header]:
    whole = datetime.fromtimestamp(math.ceil(now + room.reset), UTC).isoformat().replace("+00:00", "Z")
    yield b"anthropic-ratelimit-" + name + b"-limit", b"%d" % room.most
    yield b"anthropic-ratelimit-" + name + b"-remaining", b"%d" % room.left
    yield b"anthropic-ratelimit-" + name + b"-reset", whole.encode("ascii")


def span(seconds: float) -> str:
    """As OpenAI writes it: 120ms, 1s, 6m0s, 23h59m59s."""
    if 0 < seconds < 1:
        return f"{max(1, round(seconds * 1000))}ms"
    whole = round(seconds)
    hours, minutes = whole // 3600, whole % 3600 // 60
    return (f"{hours}h" if hours else "") + (f"{minutes}m" if whole >= 60 else "") + f"{whole % 60}s"
