"""An answer that goes straight from the engine's connection to the client's."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from appliance.proxy.meter import Ticket
from appliance.proxy.passage import Passage
from appliance.proxy.pool import Pool
from appliance.proxy.upstream import HIGH_WATER
from appliance.proxy.wire.body import body_of
from appliance.proxy.wire.head import parse_head
from appliance.proxy.wire.turn import Turn
from tests.app.proxy.harness import until
from tests.fakes.upstream import STREAM_END, STREAM_HEAD, chunk, fake_upstream, sends


class Reader:
    """A client that takes everything at once."""

    client = server = ("", 0)
    writable = True

    def __init__(self) -> None:
        self.taken, self.ended = 0, False

    def write(self, data: bytes) -> None:
        self.taken += len(data)

    def writer(self) -> Callable[[bytes], None]:
        return self.write

    async def drained(self) -> None: ...
    def hold_reading(self) -> None: ...
    def read_on(self) -> None: ...
    def turn_ended(self, *, keep_alive: bool) -> None:
        self.ended = True


async def test_much_that_waited_for_a_slow_client_does_not_hold_up_the_rest() -> None:
    """The engine was held while its answer had no taker; it goes on when there is one."""
    pool, reader = Pool(), Reader()
    event = chunk(b"data: %b\n\n" % (b"x" * 65536))
    many = 8 * HIGH_WATER // len(event)
    async with fake_upstream(sends(STREAM_HEAD, *[event] * many, STREAM_END)) as fake:
        exchange = await pool.send(fake.endpoint, "/v1/x", [], b"{}", fresh=False)
        await exchange.head()
        await until(lambda: exchange._connection._paused)
        head = parse_head(b"GET / HTTP/1.1\r\nHost: box\r\n")
        turn = Turn(reader, head, body_of(0), asyncio.get_running_loop())
        await turn.send({"type": "http.response.start", "status": 200, "headers": []})
        async with asyncio.timeout(10):
            await turn.splice(exchange, Passage(Ticket("/v1/x", 0.0)))
        assert reader.taken > many * 65536
        exchange.close()
        pool.close()
