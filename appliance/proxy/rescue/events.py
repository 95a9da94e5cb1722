"""Server-sent events as the engine writes them: an optional name, and one line of JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from appliance.proxy.asgi import json_bytes

DONE = "[DONE]"


@dataclass(frozen=True, slots=True)
class Event:
    name: str
    data: dict[str, Any] | None  # None for the mark at the end of a stream

    def bytes(self) -> bytes:
        name = f"event: {self.name}\n".encode() if self.name else b""
        return name + b"data: " + (DONE.encode() if self.data is None else json_bytes(self.data)) + b"\n\n"


def read_events(raw: bytes) -> Iterator[Event]:
    """Comments and what cannot be read are left out: the engine writes neither."""
    for block in raw.split(b"\n\n"):
        name, text = "", b""
        for line in block.split(b"\n"):
            if line.startswith(b"event: "):
                name = line[7:].decode(errors="replace")
            elif line.startswith(b"data: "):
                text = line[6:]
        if text == DONE.encode():
            yield Event(name, None)
        elif text:
            try:
                yield Event(name, msgspec.json.decode(text, type=dict[str, Any]))
            except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
                continue
