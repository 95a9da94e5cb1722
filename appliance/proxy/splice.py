"""What a web server may offer beyond ASGI: a stream goes straight from the engine's connection to the client's.

It stands among the scope's extensions under WIRE. Where it is missing everything works without it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from appliance.proxy.asgi import Scope
from appliance.proxy.upstream import Exchange

WIRE = "meshbox.wire"


class Wire(Protocol):
    def when_gone(self, told: Callable[[], None]) -> None:
        """`told` is called once, as soon as the client has gone."""

    async def splice(self, exchange: Exchange, take: Callable[[bytes], bytes], waiting: Callable[[bool], None]) -> None:
        """Passes on what `take` makes of each piece, until the answer ends. Raises UpstreamError as a read would.

        To be called when the answer's head has been sent. `waiting` hears whether the engine owes something: it does
        not while the client does not read.
        """


def wire_of(scope: Scope) -> Wire | None:
    wire: Wire | None = scope.get("extensions", {}).get(WIRE)
    return wire
