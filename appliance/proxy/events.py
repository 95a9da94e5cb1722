"""Cuts a stream of server-sent events at event ends, so that an answer that breaks off never ends in half an event."""

from __future__ import annotations

LONGEST_HELD = 1 << 20


class EventCutter:
    """Passes whole events on and holds the rest back until it is whole.

    An event longer than any engine sends is passed on as it comes: memory stays bounded.
    """

    def __init__(self) -> None:
        self._held = b""

    @property
    def holding(self) -> bool:
        return bool(self._held)

    def feed(self, piece: bytes) -> bytes:
        if not self._held and piece.endswith(b"\n\n"):  # the usual case: engines write event by event
            return piece
        data = self._held + piece
        end = data.rfind(b"\n\n") + 2
        if end < 2:
            end = len(data) if len(data) > LONGEST_HELD else 0
        self._held = data[end:]
        return data[:end]

    def rest(self) -> bytes:
        """What is still held back when the stream has ended well."""
        held, self._held = self._held, b""
        return held
