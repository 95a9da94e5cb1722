"""What a web server may offer beyond ASGI: a stream goes straight from the engine's connection to the client's.

It stands among the scope's extensions under WIRE. Where it is missing everything works without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from appliance.proxy.asgi import Scope
from appliance.proxy.shortcut import Shortcut
from appliance.proxy.upstream import Exchange

WIRE = "meshbox.wire"


class Passing(Protocol):
    """What a stream passes through."""

    def take(self, piece: bytes) -> bytes:
        """What can be passed on with this piece."""

    def shortcut(self, write: Callable[[bytes], None]) -> Shortcut | None:
        """What comes in whole events may go straight to `write`. None while a part of an event waits for its rest."""

    def waiting(self, owes: bool) -> None:  # noqa: FBT001 - the one thing it is told
        """Whether the engine owes something: it does not while the client does not read."""


class Wire(Protocol):
    def when_gone(self, told: Callable[[], None]) -> None:
        """`told` is called once, as soon as the client has gone."""

    async def splice(self, exchange: Exchange, passing: Passing) -> None:
        """Passes on what `passing` makes of each piece, until the answer ends. Raises UpstreamError as a read would.

        To be called when the answer's head has been sent.
        """


def wire_of(scope: Scope) -> Wire | None:
    wire: Wire | None = scope.get("extensions", {}).get(WIRE)
    return wire
