"""The pool of connections to engines."""

from __future__ import annotations

import asyncio

import pytest

from appliance.proxy.pool import IDLE_CONNECTIONS, Pool
from appliance.proxy.upstream import UpstreamError
from appliance.routing.table import Endpoint
from tests.app.proxy.harness import until
from tests.fakes.upstream import STREAM_END, STREAM_HEAD, answer, chunk, fake_upstream, sends

PATH = "/v1/x"


async def ask(pool: Pool, endpoint: Endpoint, body: bytes = b"{}") -> bytes:
    exchange = await pool.send(endpoint, PATH, [], body, fresh=False)
    await exchange.head()
    said = await exchange.read()
    await exchange.read()
    exchange.close()
    return said


async def test_an_idle_connection_is_closed_after_a_moment() -> None:
    """Engines spend a thread on each open connection."""
    pool = Pool(idle_seconds=0.05)
    async with fake_upstream(sends(answer(b"{}"))) as fake:
        await ask(pool, fake.endpoint)
        assert pool.idle == 1
        async with asyncio.timeout(1):
            await fake.lost.wait()
        await until(lambda: pool.idle == 0)


async def test_only_a_few_connections_are_kept() -> None:
    """After a burst no more than a handful stay open."""
    pool = Pool()
    async with fake_upstream(sends(answer(b"{}"))) as fake:
        await asyncio.gather(*(ask(pool, fake.endpoint) for _ in range(3 * IDLE_CONNECTIONS)))
        assert pool.idle == IDLE_CONNECTIONS
        pool.close()
        await until(lambda: pool.idle == 0)


async def test_an_aborted_exchange_cannot_harm_the_next() -> None:
    """Ending an exchange a second time does not touch the connection that another one uses by then."""
    pool = Pool()
    async with fake_upstream(sends(answer(b"{}"))) as fake:
        first = await pool.send(fake.endpoint, PATH, [], b"{}", fresh=False)
        await first.head()
        assert await first.read() + await first.read() == b"{}"
        first.close()
        second = await pool.send(fake.endpoint, PATH, [], b"{}", fresh=False)
        first.close()
        first.abort("too late")
        await second.head()
        assert (await second.read(), fake.connections) == (b"{}", 1)
        second.close()
        pool.close()


async def test_an_interim_answer_is_skipped() -> None:
    """100 Continue is not the answer."""
    pool = Pool()
    async with fake_upstream(sends(b"HTTP/1.1 100 Continue\r\n\r\n" + answer(b"{}"))) as fake:
        assert await ask(pool, fake.endpoint) == b"{}"
        pool.close()


async def test_a_large_body_arrives_whole() -> None:
    """Also one larger than any socket buffer."""
    pool, body = Pool(), b"x" * (8 << 20)
    async with fake_upstream(sends(answer(b"{}"))) as fake:
        await ask(pool, fake.endpoint, body)
        assert fake.requests[0].endswith(body)
        pool.close()


async def test_a_diverted_answer_goes_straight_on() -> None:
    """What had come before goes first; the end is waited for without reading."""
    pool, sunk = Pool(), list[bytes]()
    script = sends(STREAM_HEAD + chunk(b"first"), chunk(b"second"), STREAM_END)
    async with fake_upstream(script) as fake:
        exchange = await pool.send(fake.endpoint, PATH, [], b"{}", fresh=False)
        await exchange.head()
        exchange.divert(sunk.append)
        await exchange.ended()
        exchange.close()
        assert (b"".join(sunk), exchange.streams) == (b"firstsecond", True)
        pool.close()


async def test_a_diverted_answer_that_breaks_off_is_told() -> None:
    """As a read would tell it."""
    pool = Pool()
    async with fake_upstream(sends(STREAM_HEAD + chunk(b"first"), then_close=True)) as fake:
        exchange = await pool.send(fake.endpoint, PATH, [], b"{}", fresh=False)
        await exchange.head()
        exchange.divert(lambda _: None)
        with pytest.raises(UpstreamError, match="closed"):
            await exchange.ended()


async def test_a_held_answer_waits_in_the_engine() -> None:
    """Nothing comes until it may go on; then everything does."""
    pool, size = Pool(), 0

    def count(piece: bytes) -> None:
        nonlocal size
        size += len(piece)

    script = sends(STREAM_HEAD + chunk(b"x"), *[chunk(b"y" * 65536)] * 400, STREAM_END)
    async with fake_upstream(script) as fake:
        exchange = await pool.send(fake.endpoint, PATH, [], b"{}", fresh=False)
        await exchange.head()
        exchange.hold()
        exchange.divert(count)
        before = -1
        while size != before:
            before = size
            await asyncio.sleep(0.1)
        assert size < 400 * 65536
        exchange.go_on()
        await exchange.ended()
        assert size == 1 + 400 * 65536
        pool.close()
