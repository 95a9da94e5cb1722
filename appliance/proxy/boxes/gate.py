"""The gate for other boxes: who asks is proved before the first byte, so no key is asked for; how much is bounded."""

from __future__ import annotations

from collections import Counter

from appliance.proxy.asgi import Scope, client_address
from appliance.proxy.boxes.words import asked_for
from appliance.proxy.errors import ApiError
from appliance.proxy.gate import Gate
from appliance.proxy.meter import Ticket
from appliance.proxy.permit import Permit
from appliance.proxy.spent import Spent

MOST_AT_ONCE = 1024  # requests of one box: it serves many people


class BoxGate(Gate):
    """The connections of a box have its id in the place of an address."""

    def __init__(self, most: int = MOST_AT_ONCE) -> None:
        self._most = most
        self._running: Counter[str] = Counter()

    def identify(self, scope: Scope) -> Permit:
        return BoxPermit(client_address(scope), asked_for(scope), Counter())

    def admit(self, scope: Scope, ticket: Ticket) -> Permit:
        node = ticket.address
        ticket.key = f"box {node}"
        if self._running[node] >= self._most:
            what = f"{self._most} requests of your box are being answered here, as many as may be at once."
            raise ApiError(429, "too_many_requests", f"{what} Try again in a second.", retry_after=1)
        self._running[node] += 1
        return BoxPermit(node, asked_for(scope), self._running)


class BoxPermit(Permit):
    """Of a request that another box has sent for one of its clients. `model` is what it asks for."""

    counts = True

    def __init__(self, node: str, model: str, running: Counter[str]) -> None:
        self.node, self.model = node, model
        self._running = running

    def end(self, spent: Spent) -> None:  # noqa: ARG002 - booked by the box that asks
        if self._running[self.node] > 0:
            self._running[self.node] -= 1
        if not self._running[self.node]:
            del self._running[self.node]
