"""An engine's stream, in whatever pieces it comes: the shortcut passes on what the long way would have."""

from __future__ import annotations

import asyncio
from contextlib import closing

from appliance.proxy.meter import Ticket
from appliance.proxy.passage import Passage
from appliance.proxy.pool import Pool
from appliance.proxy.rescue.events import read_events
from appliance.proxy.rescue.kept import Kept
from appliance.proxy.shortcut import Shortcut
from appliance.proxy.upstream import Connection
from appliance.proxy.usage import read_usage
from appliance.proxy.wire.body import ChunkedBody
from appliance.routing.table import Endpoint

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
CUT = b"\xff"  # in no UTF-8: where the pieces of an input part


class Engine(asyncio.Transport):
    """Takes everything."""

    broken = False

    def writelines(self, list_of_data: object) -> None:
        pass

    def is_closing(self) -> bool:
        return False

    def abort(self) -> None:
        self.broken = True


class Spliced:
    """A connection whose answer goes on as it does between two sockets."""

    def __init__(self, *, short: bool = True) -> None:
        self.ticket, self.kept, self.engine = Ticket("/x", 0.0), Kept(), Engine()
        self.connection = Connection(Pool(), Endpoint("h", 1, "k"))
        self.connection.connection_made(self.engine)
        self.exchange = self.connection.start([b"ask"])
        self.passage, self.passed, self.straight = Passage(self.ticket, self.kept), b"", 0
        self._short = short
        self.connection.data_received(HEAD)
        self.exchange.divert(self._sink, self._shortcut)

    def feed(self, pieces: list[bytes]) -> None:
        for piece in pieces:
            if piece and not self.engine.broken:
                self.connection.data_received(piece)
        self.passage.waiting(False)

    def _sink(self, piece: bytes) -> None:
        self.passed += self.passage.take(piece)

    def _shortcut(self) -> Shortcut | None:
        return self.passage.shortcut(self._write) if self._short else None

    def _write(self, data: bytes) -> None:
        self.straight += 1
        self.passed += ChunkedBody().feed(data)


def check_events(data: bytes) -> None:
    with closing(asyncio.new_event_loop()) as loop:
        loop.run_until_complete(check_pieces(data.split(CUT)))


async def check_pieces(pieces: list[bytes]) -> None:
    short, long = Spliced(), Spliced(short=False)
    for way in (short, long):
        way.feed(pieces)
    assert short.passed == long.passed == short.kept.all()
    assert (short.engine.broken, short.ticket.sent) == (long.engine.broken, long.ticket.sent)
    assert (short.passage.events, short.passage.rest()) == (long.passage.events, long.passage.rest())
    told = [read_usage(way.passage.head, way.passage.tail) for way in (short, long)]
    assert told[0] == told[1]
    list(read_events(short.passed))
