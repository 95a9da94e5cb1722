"""Requests that are too large, too slow, broken or strange: the box answers in kind and goes on."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.app.web.harness import Web
from tests.app.web.surface import RELAY, calls
from webui import security

HOST = "Host: 127.0.0.1"
FORM = "Content-Type: application/x-www-form-urlencoded"
JSON = "Content-Type: application/json"
CHUNKED = "Transfer-Encoding: chunked"


Wire = Callable[..., Awaitable[asyncio.StreamReader]]


@pytest.fixture
async def send_raw(web: Web) -> AsyncIterator[Wire]:
    """Sends what no client library would; the connection stays open until the end of the test."""
    writers: list[asyncio.StreamWriter] = []

    async def send(*parts: bytes) -> asyncio.StreamReader:
        reader, writer = await asyncio.open_connection("127.0.0.1", web.loop.outlook.snapshot.node.web_port)
        writers.append(writer)
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
        return reader

    yield send
    for writer in writers:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


def head(line: str, *fields: str) -> bytes:
    return "\r\n".join((f"{line} HTTP/1.1", HOST, *fields, "", "")).encode("latin-1")


async def first_line(reader: asyncio.StreamReader) -> bytes:
    """Empty when the box hung up without a word."""
    async with asyncio.timeout(20):
        with contextlib.suppress(ConnectionError):
            return await reader.readline()
    return b""


async def assert_well(web: Web) -> None:
    assert (await web.call("GET", "/api/status")).status == 200


async def test_a_head_that_is_too_large_is_refused(web: Web, send_raw: Wire) -> None:
    """It costs a refusal, not the memory of the box."""
    heads = (
        head("GET /api/status", *(f"X-{n}: {'a' * 8000}" for n in range(100))),
        head("GET /api/status", *(f"X-{n}: a" for n in range(5000))),
        head("GET /api/status", "Cookie: " + "a" * (1 << 20)),
        head("GET /api/status", "Cookie: " + "; ".join(f"c{n}={n}" for n in range(50_000))),
        head("GET /" + "a" * (1 << 20)),
        head("GET /api/logs?q=" + "%41" * 100_000),
    )
    for request_head in heads:
        line = await first_line(await send_raw(request_head))
        assert line == b"" or line.split(b" ")[1] in {b"400", b"413", b"414", b"431"}, request_head[:60]
    await assert_well(web)


NO_REQUESTS = (
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(64),
    b"GET\r\n\r\n",
    b"\0\0\0\0\r\n\r\n",
    b"GET / HTTP/9.9\r\nHost: x\r\n\r\n",
    b"GET /api/status HTTP/1.1\r\n\r\n",
    head("GET /api/status", "Host: evil.example"),
    head("GET /api/status", "X: a\r\n\tfolded"),
    head("GET /api/status", "Bad Name: a"),
    head("POST /api/login", JSON, "Content-Length: -1"),
    head("POST /api/login", JSON, "Content-Length: 5", "Content-Length: 6") + b"hello",
    head("POST /api/login", JSON, "Content-Length: 5", CHUNKED) + b"0\r\n\r\n",
    head("POST /api/login", JSON, CHUNKED) + b"zz\r\nhello\r\n",
    head("POST /api/login", JSON, "Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    head("GET http://evil.example/api/status"),
    head("CONNECT 127.0.0.1:22"),
    head("GET *"),
)


async def test_what_is_no_request_is_no_trouble(web: Web, send_raw: Wire, caplog: pytest.LogCaptureFixture) -> None:
    """TLS on the plain port, broken heads, smuggled lengths: refused, and nothing inside the box fails."""
    for raw in NO_REQUESTS:
        line = await first_line(await send_raw(raw))
        assert line == b"" or 400 <= int(line.split(b" ")[1]) < 500, raw
    await assert_well(web)
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


TOO_LARGE = (
    ("POST /login", FORM, 20_000),
    ("POST /setup", FORM, 20_000),
    ("POST /theme", FORM, 20_000),
    ("POST /repairs/fix", FORM, 1_100_000),
    ("POST /api/login", JSON, 1_100_000),
    ("PATCH /api/settings", JSON, 1_100_000),
)


async def test_a_body_that_is_too_large_is_not_read_to_its_end(web: Web, send_raw: Wire) -> None:
    """Also when its length is not told beforehand; what strangers may send is small."""
    login = f"Authorization: Bearer {web.token}"
    for line, kind, size in TOO_LARGE:
        announced = await send_raw(head(line, kind, login, f"Content-Length: {size}"))
        assert b" 413 " in await first_line(announced), line
        chunk = b"%x\r\n%s\r\n" % (10_000, b"a" * 10_000)
        secretly = await send_raw(head(line, kind, login, CHUNKED), *[chunk] * (size // 10_000 + 1))
        assert b" 413 " in await first_line(secretly), line
    await assert_well(web)


ODD_FORMS = (
    ("application/x-www-form-urlencoded", b"a&" * 8000),
    ("application/x-www-form-urlencoded", b"password=%ff%fe%00&password=b&next[]=%"),
    ("application/x-www-form-urlencoded", b"=" * 16_000),
    ("multipart/form-data; boundary=b", b'--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 300),
    ("multipart/form-data; boundary=b", b"--b\r\n" * 3000),
    ("multipart/form-data", b"--b\r\n\r\n"),
    ("multipart/form-data; boundary=" + "b" * 300, b"--b--"),
    ("application/json", b'{"password": "a"}'),
    ("text/plain; charset=utf-16", "password=a".encode("utf-16")),
    ("text/plain; charset=nonsense", b"password=a"),
    ("application/x-msgpack", b"\xdf\xff\xff\xff\xff"),
    ("a" * 5000, b"x"),
)


@pytest.mark.parametrize("path", ["/login", "/theme"])
async def test_forms_of_strangers_are_taken_with_care(web: Web, path: str) -> None:
    """Thousands of fields, wrong types, broken bytes: a clear no, or an answer, at once."""
    for kind, body in ODD_FORMS:
        async with asyncio.timeout(10):
            answer = await web.call("POST", path, data=body, headers={"Content-Type": kind})
        assert answer.status in (303, 400, 401, 413, 415, 422, 429), (kind, body[:40])
        assert "Traceback" not in await answer.text()


ODD_JSON = (
    b'{"password": "\\ud800"}',
    b'{"password": "a", "password": "b"}',
    b'{"password": ' + b"9" * 5000 + b"}",
    b'{"password": 1e400}',
    b'{"password": "a"} trailing',
    b'\xef\xbb\xbf{"password": "a"}',
    b'{"' + b"a" * 500_000 + b'": 1}',
    b"{" + b",".join(b'"%d": 1' % n for n in range(50_000)) + b"}",
    b'{"a":' * 5000 + b"1" + b"}" * 5000,
    b"null",
    b"NaN",
)


async def test_odd_json_is_answered_with_a_problem(web: Web) -> None:
    """And the answer stays small, whatever was sent."""
    for body in ODD_JSON:
        answer = await web.call("POST", "/api/login", data=body, headers={"Content-Type": "application/json"})
        assert answer.status in (400, 401, 422, 429), body[:40]
        assert answer.content_type == "application/problem+json"
        assert len(await answer.text()) < 10_000, body[:40]


async def test_methods_that_nobody_knows_are_refused_everywhere(web: Web) -> None:
    """405 with the methods that there are, and never the work of another method."""
    for call in calls(web):
        for method in ("TRACE", "PROPFIND", "GETX"):
            answer = await web.call(method, call.path)
            if not call.path.startswith(RELAY):  # it has tests of its own
                assert answer.status == 405, call
                assert call.method in answer.headers["Allow"], call


async def test_asking_for_the_head_alone_is_answered_like_the_whole(web: Web) -> None:
    """With the same status and kind, no body, and an end also where the whole would have none."""
    for call in calls(web):
        if call.method != "GET" or call.path.startswith("/static"):
            continue
        async with (
            asyncio.timeout(10),
            web.session.head(web.url + call.path, headers=web.headers, allow_redirects=False) as short,
            web.session.get(web.url + call.path, headers=web.headers, allow_redirects=False) as whole,
        ):
            assert (short.status, short.content_type) == (whole.status, whole.content_type), call
            assert await short.read() == b""


async def test_asking_for_the_methods_does_nothing(web: Web) -> None:
    """And allows no other site anything."""
    for call in calls(web):
        preflight = {"Origin": "http://evil.example", "Access-Control-Request-Method": call.method}
        answer = await web.call("OPTIONS", call.path, headers=preflight)
        assert answer.status in (200, 204, 405), call
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    await assert_well(web)


async def test_whoever_stops_in_the_middle_is_not_waited_for(
    web: Web, send_raw: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that does not come: the request is given up, and the connection with it."""
    monkeypatch.setattr(security, "BODY_SILENCE_SECONDS", 0.2)
    login = f"Authorization: Bearer {web.token}"
    for fields, part in (((CHUNKED,), b"5\r\nhello\r\n"), (("Content-Length: 100",), b"hello")):
        for path in ("/login", "/api/login", "/repairs/fix"):
            kind = JSON if path.startswith("/api/") else FORM
            reader = await send_raw(head(f"POST {path}", kind, login, *fields), part)
            async with asyncio.timeout(20):
                with contextlib.suppress(ConnectionError):
                    await reader.read()
    await assert_well(web)


async def test_hundreds_who_say_nothing_do_not_keep_others_out(web: Web, send_raw: Wire) -> None:
    """Half a request each, for as long as they like."""
    for n in range(300):
        await send_raw(b"GET /api/sta" if n % 2 else head("POST /login", FORM, "Content-Length: 9") + b"a")
    async with asyncio.timeout(20):
        await assert_well(web)
        assert (await web.call("GET", "/")).status == 200
