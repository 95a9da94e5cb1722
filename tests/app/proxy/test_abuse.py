"""What no sane client sends: a clear refusal or a working answer, never a hang, never a mistake of ours."""

from __future__ import annotations

import asyncio
import json
import re

import pytest

from tests.app.proxy.harness import MODEL, QUESTION, Api, until

CHAT = "/v1/chat/completions"
HEALTH = b"GET /healthz HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n"
START = b"POST /v1/chat/completions HTTP/1.1\r\nHost: box\r\n"
BODY = json.dumps(QUESTION).encode()
SECONDS = 8.0


async def told(api: Api, *pieces: bytes, half_close: bool = False) -> bytes:
    """Everything that the box says until it ends the connection; a hang fails the test."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    try:
        async with asyncio.timeout(SECONDS):
            for piece in pieces:
                writer.write(piece)
                await writer.drain()
            if half_close:
                writer.write_eof()
            return await reader.read()
    except TimeoutError:
        raise
    except OSError:  # the box has cut the connection already
        return b""
    finally:
        writer.transport.abort()


def statuses(said: bytes) -> list[int]:
    return [int(status) for status in re.findall(rb"HTTP/1\.[01] ([0-9]{3})", said)]


async def still_well(api: Api) -> None:
    assert (await api.post(CHAT, QUESTION)).status == 200


SMUGGLED = {
    "length and chunks": START + b"Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "two lengths": START + b"Content-Length: 0\r\nContent-Length: 60\r\n\r\n" + HEALTH,
    "two lengths in one": START + b"Content-Length: 0, 60\r\n\r\n" + HEALTH,
    "chunks in disguise": START + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "a space before the colon": START + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
    "chunks with a tab": START + b"Transfer-Encoding:\x0bchunked\r\n\r\n0\r\n\r\n",
    "folded coding": START + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n",
    "a signed length": START + b"Content-Length: +2\r\n\r\n{}",
    "nul in a field": START + b"X: a\x00b\r\nContent-Length: 2\r\n\r\n{}",
    "a bare carriage return": START + b"X: a\rContent-Length: 2\r\n\r\n{}",
    "no host": b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}",
    "noise": bytes(range(128, 256)) * 4 + b"\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 40 + b"\r\n\r\n",
}


@pytest.mark.parametrize("sent", SMUGGLED.values(), ids=SMUGGLED)
async def test_nothing_is_smuggled(api: Api, sent: bytes) -> None:
    """Nothing that two servers could read differently is answered as a request, and nothing hides behind it."""
    said = statuses(await told(api, sent, half_close=True))
    assert (set(said) <= {400, 411, 415, 501, 503, 404}, len(said) <= 1) == (True, True)
    await still_well(api)


@pytest.mark.parametrize(
    "sent",
    [
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"GET / HTTP/9.9\r\nHost: box\r\n\r\n",
        b"GET /" + b"x" * 100_000 + b" HTTP/1.1\r\nHost: box\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: box\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: box\r\n" + b"X: y\r\n" * 5000 + b"\r\n",
    ],
    ids=["HTTP/2", "HTTP/9", "endless target", "endless field", "endless fields"],
)
async def test_what_is_not_spoken_here_ends(api: Api, sent: bytes) -> None:
    """Other versions and heads beyond 64 KiB are refused or cut, never waited for."""
    said = statuses(await told(api, sent, half_close=True))
    assert set(said) <= {400, 404, 414, 431, 505}
    await still_well(api)


async def test_an_upgrade_is_not_followed(api: Api) -> None:
    """A WebSocket is not spoken here; the request is answered as if it had not asked."""
    upgrade = (
        b"Upgrade: websocket\r\nConnection: Upgrade, close\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    said = await told(api, b"GET /healthz HTTP/1.1\r\nHost: box\r\n" + upgrade)
    assert statuses(said)[0] in {200, 400}


async def test_pipelined_requests_are_answered_in_order(api: Api) -> None:
    """Three in one piece: three answers."""
    models = b"GET /v1/models HTTP/1.1\r\nHost: box\r\n\r\n"
    chat = START + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
    said = await told(api, models + chat + HEALTH)
    assert statuses(said) == [200, 200, 200]
    assert said.index(b'"object":"list"') < said.index(b"chat.completion") < said.index(b'"status":"ok"')


async def test_a_request_may_come_byte_by_byte(api: Api) -> None:
    """However it is cut, it is the same request."""
    sent = START + b"Connection: close\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY
    assert statuses(await told(api, *(bytes([byte]) for byte in sent))) == [200]


async def test_a_body_in_chunks_is_taken(api: Api) -> None:
    """As programs send it that do not know its length."""
    chunks = b"".join(b"%x\r\n%b\r\n" % (len(BODY[at : at + 7]), BODY[at : at + 7]) for at in range(0, len(BODY), 7))
    sent = START + b"Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks + b"0\r\n\r\n"
    assert statuses(await told(api, sent)) == [200]


async def test_an_old_client_is_answered(api: Api) -> None:
    """HTTP/1.0: the end of the connection is the end of the answer, without chunks; a stream too."""
    body = json.dumps({**QUESTION, "stream": True}).encode()
    said = await told(api, b"POST /v1/chat/completions HTTP/1.0\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    head, _, answer = said.partition(b"\r\n\r\n")
    assert (statuses(said), b"chunked" in head.lower(), answer.endswith(b"data: [DONE]\n\n")) == ([200], False, True)


async def test_a_head_request_has_no_body(api: Api) -> None:
    """The same head as of GET, and nothing behind it."""
    said = await told(api, HEALTH.replace(b"GET", b"HEAD"))
    assert (statuses(said), said.partition(b"\r\n\r\n")[2], b"content-length: 15" in said.lower()) == ([200], b"", True)


async def test_an_announced_body_waits_for_a_word(api: Api) -> None:
    """Expect: 100-continue is answered, then the body is taken."""
    reader, writer = await asyncio.open_connection("127.0.0.1", api.port)
    try:
        async with asyncio.timeout(SECONDS):
            writer.write(START + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: %d\r\n\r\n" % len(BODY))
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100 ")
            writer.write(BODY)
            assert statuses(await reader.read()) == [200]
    finally:
        writer.transport.abort()


async def test_a_body_too_large_is_refused_before_it_is_sent(api: Api) -> None:
    """Who asks first is spared the sending."""
    said = await told(api, START + b"Expect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n")
    assert statuses(said) == [413]


async def test_a_whole_address_is_a_target_too(api: Api) -> None:
    """Programs that take us for a proxy ask so."""
    assert statuses(await told(api, b"GET http://box/healthz HTTP/1.1\r\nHost: box\r\nConnection: close\r\n\r\n")) == [
        200
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b'{"pad": "' + b"x" * (1 << 20) + b'", "model": "nobody"}', 404),
        (b'{"model": "a", "model": "b"}', 400),
        (b'{"model": "a", "mod\\u0065l": "b"}', 400),
        (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, 400),
        (b'{"messages": "\xff\xfe"}', 400),
        (b'{"model": "\\ud800"}', 400),
    ],
    ids=["model behind a megabyte", "two models", "two models in disguise", "deep", "no UTF-8", "half a character"],
)
async def test_hostile_bodies(api: Api, body: bytes, status: int) -> None:
    """Each is told for what it is."""
    assert (await api.post(CHAT, body)).status == status


async def test_a_model_behind_a_megabyte_is_found(api: Api) -> None:
    """The name counts wherever it stands."""
    assert (await api.post(CHAT, {"pad": "x" * (1 << 20), **QUESTION, "model": MODEL})).status == 200


async def test_a_body_that_never_comes_holds_nothing_up(api: Api) -> None:
    """Others are answered meanwhile, and its end is noticed."""
    _, writer = await asyncio.open_connection("127.0.0.1", api.port)
    writer.write(START + b"Content-Length: 1000\r\n\r\n{")
    await until(lambda: api.meter.load().in_flight == 1)
    await still_well(api)
    writer.transport.abort()
    await until(lambda: api.meter.load().in_flight == 0)
