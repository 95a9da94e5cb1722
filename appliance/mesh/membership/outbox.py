"""What one step of the machine puts out, in order. A message is encoded once, however many get it."""

from __future__ import annotations

from collections.abc import Iterable

from appliance.mesh.membership.types import Out, Send
from appliance.mesh.membership.wire import Message, encode


class Outbox:
    def __init__(self) -> None:
        self._outs: list[Out] = []

    def add(self, out: Out) -> None:
        self._outs.append(out)

    def send(self, to: str, message: Message) -> None:
        self._outs.append(Send(to, encode(message)))

    def send_all(self, receivers: Iterable[str], message: Message) -> None:
        data = encode(message)
        self._outs.extend(Send(to, data) for to in receivers)

    def drain(self) -> list[Out]:
        outs, self._outs = self._outs, []
        return outs
