"""Connections to the API's own web server: what is answered, in which order, and what ends them."""

from __future__ import annotations

import asyncio
import logging

import pytest

from appliance.proxy.asgi import Receive, Scope, Send
from tests.app.proxy.harness import until
from tests.app.proxy.test_abuse import SMUGGLED
from tests.app.wire.harness import Drip, Echo, ask, client, get, has_ipv6, listening, post, statuses

CLOSE = b"Connection: close"


async def test_a_request_reaches_the_application_as_it_was_sent() -> None:
    """Method, path, query, fields and body; and who asks."""
    app = Echo()
    async with listening(app) as port:
        said = await ask(port, post(b"hello", b"X-One: \xc3\xa4", CLOSE).replace(b"POST /", b"POST /a%20b?c=d"))
    scope = app.scopes[0]
    assert (said.endswith(b"\r\n\r\nhello"), app.bodies) == (True, [b"hello"])
    assert (scope["method"], scope["path"], scope["query_string"], scope["client"][0]) == (
        "POST",
        "/a b",
        b"c=d",
        "127.0.0.1",
    )
    assert (b"x-one", b"\xc3\xa4") in scope["headers"]


async def test_a_connection_carries_many_requests() -> None:
    """One after the other, until the client says that it was the last."""
    async with listening(Echo()) as port, client(port) as one:
        for number in range(3):
            await one.say(post(b"%d" % number))
            assert (await one.answer()).endswith(b"\r\n\r\n%d" % number)
        await one.say(get(b"/", CLOSE))
        assert statuses(await one.rest()) == [200]


async def test_requests_sent_ahead_wait_for_their_turn() -> None:
    """Any number in one piece are answered in order, however long the answers take."""
    async with listening(Echo()) as port:
        said = await ask(port, b"".join(post(b"<%d>" % n) for n in range(200)) + get(b"/", CLOSE))
    assert (statuses(said), said.index(b"<7>") < said.index(b"<8>") < said.index(b"<199>")) == ([200] * 201, True)


async def test_what_is_sent_ahead_is_not_kept_without_end() -> None:
    """While an answer runs, a client can send ahead as much as a head may have, and no more."""
    app = Drip()
    async with listening(app) as port, client(port) as one:
        await one.say(get())
        await one.reader.readuntil(b"\r\n\r\n")
        one.writer.write(b"x" * (64 << 20))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.3):
                await one.writer.drain()
        app.end.set()


@pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED)
async def test_an_unsound_request_is_told_so_and_ends_the_connection(sent: bytes) -> None:
    """One refusal in JSON, then the end: what follows cannot be understood."""
    app = Echo()
    async with listening(app) as port:
        said = await ask(port, sent + get())
    assert (statuses(said)[0] in {400, 501}, len(statuses(said)), app.bodies) == (True, 1, [])
    assert b'"error":{"message":' in said


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
        (b"GET / HTTP/1.1\r\nX: " + b"y" * 70_000, 431),
        (b"GET / HTTP/1.1\nHost: box\n\n", 400),
        (b"\x16\x03\x01\x02\x00", 400),
        (
            post(b"", b"Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"")
            + b"5;x=y\r\nhello\r\n0\r\n\r\n",
            400,
        ),
    ],
    ids=["HTTP/2", "endless head", "bare line feeds", "TLS", "chunk extension"],
)
async def test_what_cannot_become_a_request_is_refused_at_once(sent: bytes, status: int) -> None:
    """Nobody waits for the rest."""
    async with listening(Echo(), head_seconds=60.0) as port:
        assert statuses(await ask(port, sent)) == [status]


async def test_unsound_chunks_in_the_middle_are_told() -> None:
    """The request has begun, and is refused all the same; the application hears that it ended."""
    app = Echo()
    async with listening(app) as port, client(port) as one:
        await one.say(
            post(b"", b"Transfer-Encoding: chunked").replace(b"Content-Length: 0\r\n", b"") + b"5\r\nhello\r\n"
        )
        await until(lambda: len(app.scopes) == 1)
        await one.say(b"zz\r\n")
        assert statuses(await one.rest()) == [400]
        await until(lambda: app.ends == ["http.disconnect"])


async def test_a_client_that_leaves_is_reported_at_once() -> None:
    """While its answer streams."""
    app = Drip()
    async with listening(app) as port:
        async with client(port) as one:
            await one.say(get())
            await one.reader.readuntil(b"data: ")
        async with asyncio.timeout(2):
            await app.gone.wait()


async def test_a_client_that_does_not_read_is_not_written_for() -> None:
    """What is not read waits where it comes from."""
    app = Drip(b"x" * 65536)
    async with listening(app) as port, client(port) as one:
        await one.say(get())
        before = -1
        while app.sent != before:
            before = app.sent
            await asyncio.sleep(0.2)
        assert 0 < app.sent < 32 << 20
        app.end.set()


async def test_a_quick_answer_reaches_a_client_that_has_stopped_sending() -> None:
    """A half-closed connection is answered where nothing had to be waited for."""
    async with listening(Echo()) as port, client(port) as one:
        one.writer.write(get())
        one.writer.write_eof()
        assert statuses(await one.rest()) == [200]


async def test_a_failure_before_the_answer_is_an_error_and_after_it_a_cut(caplog: pytest.LogCaptureFixture) -> None:
    """A client never takes half an answer for a whole one."""

    async def fails(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == "/late":
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise RuntimeError("on purpose")

    async with listening(fails) as port:
        early = await ask(port, get())
        async with client(port) as one:
            await one.say(get(b"/late"))
            with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
                await one.reader.readuntil(b"0\r\n\r\n")
    assert (statuses(early), caplog.text.count("on purpose") >= 2) == ([500], True)


async def test_an_answer_shorter_than_announced_is_a_cut() -> None:
    """The connection does not go on behind it."""

    async def short(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"10")]})
        await send({"type": "http.response.body", "body": b"half", "more_body": False})

    async with listening(short) as port:
        assert (await ask(port, get() + get())).endswith(b"\r\n\r\nhalf")


async def test_an_answer_before_the_body_ends_the_connection() -> None:
    """Nobody reads the rest of the body as the next request; the client still gets its answer."""

    async def hasty(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 413, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async with listening(hasty) as port:
        assert statuses(await ask(port, post(get() * 5000))) == [413]


async def test_a_client_that_asks_first_is_told_once() -> None:
    """One word to go on, however often the application looks for the body."""
    async with listening(Echo()) as port, client(port) as one:
        head, body = post(b"hello", b"Expect: 100-continue", CLOSE).split(b"hello")[0], b"hello"
        await one.say(head)
        assert statuses(await one.reader.readuntil(b"\r\n\r\n")) == [100]
        await one.say(body)
        assert (await one.rest()).startswith(b"HTTP/1.1 200 ")


async def test_ipv6_is_spoken() -> None:
    """And the client is known by its address."""
    if not has_ipv6():
        pytest.skip("this machine has no IPv6")
    app = Echo()
    async with listening(app, "::1") as port, client(port, "::1") as one:
        await one.say(get(b"/", CLOSE))
        await one.rest()
    assert app.scopes[0]["client"][0] == "::1"


async def test_an_application_gets_the_whole_large_body(caplog: pytest.LogCaptureFixture) -> None:
    """Also when it takes it more slowly than it comes; nothing is said about it in the log."""
    caplog.set_level(logging.WARNING)
    app, body = Echo(), bytes(range(256)) * 16384
    async with listening(app) as port:
        await ask(port, post(body, CLOSE))
    assert (app.bodies == [body], caplog.text) == (True, "")
