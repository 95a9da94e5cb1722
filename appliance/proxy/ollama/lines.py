"""A stream of events as lines of JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from appliance.proxy.asgi import json_bytes
from appliance.proxy.ollama.chunks import UNREADABLE, Refused
from appliance.proxy.ollama.telling import NOTHING_SAID, Teller

END_OF_EVENT = b"\n\n"
LONGEST_EVENT = 64 << 20
CUT = "The answer broke off. What came so far is incomplete."


class Lines:
    """Pieces may be cut anywhere."""

    def __init__(self, teller: Teller) -> None:
        self._teller = teller
        self._held = b""
        self._ended = self.failed = False

    def feed(self, data: bytes) -> bytes:
        *events, self._held = (self._held + data).split(END_OF_EVENT)
        lines = b"".join(self._event(event) for event in events)
        return lines if len(self._held) <= LONGEST_EVENT else lines + self._fail(UNREADABLE)

    def end(self) -> bytes:
        """What has to be said when nothing more comes."""
        last = self.feed(END_OF_EVENT) if self._held.strip() else b""
        return last + (self._finish() if self._teller.finished else self._fail(CUT))

    def _event(self, event: bytes) -> bytes:
        if self._ended or not event.strip():
            return b""
        if event.startswith(b":"):  # a word to one who waits; programs take a line that says nothing
            return line(self._teller.tell(NOTHING_SAID))
        data = b"\n".join(part[5:].strip() for part in event.split(b"\n") if part.startswith(b"data:"))
        if data == b"[DONE]":
            return self._finish() if self._teller.finished else self._fail(CUT)
        try:
            piece = self._teller.take(data)
        except Refused as refused:
            return self._fail(str(refused))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return self._fail(UNREADABLE)
        return line(self._teller.tell(piece)) if piece else b""

    def _finish(self) -> bytes:
        if self._ended:
            return b""
        self._ended = True
        calls = self._teller.calls
        called = line(self._teller.tell(NOTHING_SAID, calls)) if calls else b""
        return called + line(self._teller.last())

    def _fail(self, message: str) -> bytes:
        if self._ended:
            return b""
        self._ended = self.failed = True
        self._held = b""
        return line({"error": message})


def line(content: Mapping[str, Any]) -> bytes:
    return json_bytes(content) + b"\n"
