"""How long anybody may take, how many may come, and the end."""

from __future__ import annotations

import asyncio
import socket

import pytest

from appliance.ports import PortTaken
from appliance.proxy.asgi import Receive, Scope, Send
from appliance.proxy.wire.listener import WireListener, limits_here
from appliance.tasks import TaskGroup
from tests.app.proxy.harness import until
from tests.app.wire.harness import Drip, Echo, ask, client, get, listening, post, statuses
from tests.live.box import free_ports


async def test_a_head_that_drips_is_told() -> None:
    """408 once its time is up, however regularly it drips."""
    async with listening(Echo(), head_seconds=0.2) as port, client(port) as one:
        for byte in b"GET / HTTP/1.1\r\nX: ":
            await one.say(bytes([byte]))
            await asyncio.sleep(0.005)
        assert statuses(await one.rest()) == [408]


async def test_a_body_that_drips_is_told() -> None:
    """408 below the least speed; the application hears that it ended."""
    app = Echo()
    async with listening(app, body_seconds=0.1, body_bytes_per_second=1 << 30) as port, client(port) as one:
        await one.say(post(b"x" * 1000)[:-900])
        assert statuses(await one.rest()) == [408]
        await until(lambda: app.ends == ["http.disconnect"])


async def test_a_connection_that_says_nothing_ends_silently() -> None:
    """After a while; and so does one that was used before."""
    async with listening(Echo(), idle_seconds=0.2) as port:
        assert await ask(port, b"") == b""
        assert statuses(await ask(port, get())) == [200]


async def test_a_client_that_never_reads_is_cut_off() -> None:
    """Its answer does not hold an engine for ever."""
    app = Drip(b"x" * 65536)
    async with listening(app, stall_seconds=0.3) as port, client(port) as one:
        await one.say(get())
        async with asyncio.timeout(8):
            await app.gone.wait()


async def test_one_connection_too_many_is_told() -> None:
    """429 with Retry-After, and those that were there stay."""
    async with listening(Echo(), connections_of_one=2) as port, client(port) as first, client(port) as second:
        for one in (first, second):
            await one.say(get())
            await one.answer()
        said = await ask(port, b"")
        await first.say(get())
        assert (statuses(said), b"retry-after: 1" in said, statuses(await first.answer())) == ([429], True, [200])


async def test_many_idle_connections_are_held() -> None:
    """Hundreds that do nothing do not keep another from its answer."""
    async with listening(Echo()) as port:
        idle = [socket.create_connection(("127.0.0.1", port)) for _ in range(500)]
        try:
            assert statuses(await ask(port, get(b"/", b"Connection: close"))) == [200]
        finally:
            for one in idle:
                one.close()


async def test_the_end_lets_an_answer_come_to_its_end() -> None:
    """Idle connections go at once; a busy one gets its last word, and the connection ends with it."""
    app, tasks = Drip(), TaskGroup()
    (port,) = free_ports(1)
    listener = WireListener("the test", app, "127.0.0.1", port)
    await listener.start()
    async with client(port) as idle, client(port) as busy:
        await busy.say(get())
        await busy.reader.readuntil(b"data: ")
        ending = tasks.start("stop", listener.stop(10))
        assert await idle.rest() == b""
        app.end.set()
        assert (await busy.rest()).endswith(b"4\r\nlast\r\n0\r\n\r\n")
    async with asyncio.timeout(5):
        await ending


async def test_before_the_end_each_answer_is_the_last_of_its_connection() -> None:
    """Idle connections go at once; who still asks is answered, told so, and the connection ends."""
    (port,) = free_ports(1)
    listener = WireListener("the test", Echo(), "127.0.0.1", port)
    await listener.start()
    async with client(port) as idle:
        await idle.say(get())
        assert b"connection: close" not in await idle.answer()
        listener.part()
        assert await idle.rest() == b""
    async with client(port) as late:
        await late.say(get() + get())
        said = await late.rest()
    assert (statuses(said), b"connection: close\r\n" in said) == ([200], True)
    await listener.stop(1)


async def test_the_end_does_not_wait_for_ever() -> None:
    """An answer that never ends is cut when patience is over."""
    (port,) = free_ports(1)
    listener = WireListener("the test", Drip(), "127.0.0.1", port)
    await listener.start()
    async with client(port) as one:
        await one.say(get())
        await one.reader.readuntil(b"data: ")
        async with asyncio.timeout(5):
            await listener.stop(0.2)


async def test_the_application_hears_of_its_beginning_and_its_end() -> None:
    """As ASGI has it; it opens before the port does."""
    heard = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        for word in ("startup", "shutdown"):
            heard.append((await receive())["type"])
            await send({"type": f"lifespan.{word}.complete"})

    async with listening(app):
        assert heard == ["lifespan.startup"]
    assert heard == ["lifespan.startup", "lifespan.shutdown"]


async def test_a_port_that_is_taken_is_named() -> None:
    """Also by another listener of ours."""
    async with listening(Echo()) as port:
        with pytest.raises(PortTaken, match=str(port)):
            await WireListener("second", Echo(), "127.0.0.1", port).start()


async def test_a_port_that_is_free_again_can_be_taken() -> None:
    """A second start after a failed one works."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        listener = WireListener("the test", Echo(), "127.0.0.1", port)
        with pytest.raises(PortTaken):
            await listener.start()
    await listener.start()
    await listener.stop(1)


def test_the_rest_of_the_box_keeps_some_files() -> None:
    """Connections never take all that this process may open."""
    limits = limits_here()
    assert 0 < limits.connections_of_one < limits.connections
