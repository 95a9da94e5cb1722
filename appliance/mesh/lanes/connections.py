"""The open TLS connections of each peer, so that they can be counted, and ended when the peer is no member any more."""

from __future__ import annotations

import asyncio

from appliance.mesh.lanes.trouble import LaneError, Reason

REMEMBERED = 60.0  # seconds; no handshake lasts that long


class Connections:
    def __init__(self) -> None:
        # a connection that was handed over reports its end to its new owner: here it is forgotten when looked at
        self._of: dict[str, set[asyncio.Transport]] = {}
        self._ended: dict[str, float] = {}

    def add(self, node: str, transport: asyncio.Transport, began: float) -> None:
        """Refuses who was ended since its handshake began: it may have been trusted when that was asked."""
        if self.ended_since(node, began):
            raise LaneError(Reason.TRUST, "the connections with that box were ended")
        self.count(node)
        self._of.setdefault(node, set()).add(transport)

    def count(self, node: str) -> int:
        """Connections with `node` that are open."""
        known = self._of.get(node)
        if known is None:
            return 0
        known -= {transport for transport in known if transport.is_closing()}
        if not known:
            del self._of[node]
        return len(known)

    def nodes(self) -> list[str]:
        return [node for node in list(self._of) if self.count(node)]

    def end(self, node: str) -> int:
        """Ends all of them at once: what was on its way is lost. How many there were."""
        now = asyncio.get_running_loop().time()
        self._ended = {each: at for each, at in self._ended.items() if now - at < REMEMBERED}
        self._ended[node] = now
        ended = [transport for transport in self._of.pop(node, ()) if not transport.is_closing()]
        for transport in ended:
            transport.abort()
        return len(ended)

    def ended_since(self, node: str, began: float) -> bool:
        return self._ended.get(node, began - 1) >= began

    def end_all(self) -> None:
        for node in list(self._of):
            self.end(node)
