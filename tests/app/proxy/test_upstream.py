"""The pool of connections to engines."""

from __future__ import annotations

import asyncio

from appliance.proxy.upstream import IDLE_CONNECTIONS, Pool
from appliance.routing.table import Endpoint
from tests.app.proxy.harness import until
from tests.fakes.upstream import answer, fake_upstream, sends

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
