"""The API on its own web server, with its short way for plain requests and without: what anybody can see of both."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from appliance.node.snapshot import RequestLoad
from appliance.proxy.app import ApiApp
from appliance.proxy.gate import OPEN_GATE, Gate
from appliance.proxy.relay import Relay
from appliance.proxy.wire.desk import Limits
from appliance.proxy.wire.listener import WireListener
from tests.app.proxy.harness import MODEL, Api, free_port, ready, until
from tests.fakes.upstream import (
    FakeUpstream,
    Script,
    answer,
    chunk,
    fake_upstream,
    sends,
)

CHAT = "/v1/chat/completions"
WORDS = b'{"choices":[{"message":{"content":"7"}}],"usage":{"prompt_tokens":5,"completion_tokens":2}}'
GOOD = sends(answer(WORDS))
ASKED = {"model": MODEL, "messages": [{"role": "user", "content": "What is 3 + 4?"}]}
WARM = 3  # requests: the first makes a connection, the second shows how answers begin
LARGE = b'{"data":"' + b"x" * (3 << 20) + b'"}'
_EACH_TIME = [
    (rb"\r\ndate: [^\r]+", b""),
    (rb"req-[0-9a-f]{24}", b"req-new"),
    (rb"x-meshbox-waited: [0-9.]+", b"x-meshbox-waited: "),
    (rb"-reset-requests: \w+", b"-reset-requests: "),
    (rb"(?:first|total)_s=\S+", b"seconds"),
    (rb"Host: 127.0.0.1:\d+", b"Host: engine"),
]


def compact(**fields: Any) -> bytes:
    return json.dumps({**ASKED, **fields}, separators=(",", ":"), ensure_ascii=False).encode()


def post(
    body: bytes = b"", *fields: bytes, path: str = CHAT, version: bytes = b"1.1", length: int | None = None
) -> bytes:
    body = body or compact()
    lines = [b"POST %b HTTP/%b" % (path.encode(), version), b"Host: box", *fields]
    lines.append(b"Content-Length: %d" % (len(body) if length is None else length))
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def chunked(body: bytes) -> bytes:
    head = b"POST %b HTTP/1.1\r\nHost: box\r\nTransfer-Encoding: chunked\r\n\r\n" % CHAT.encode()
    return head + chunk(body) + b"0\r\n\r\n"


@dataclass(frozen=True)
class Case:
    """What is sent, in these pieces; how the engine takes it; and what is different about the box."""

    sent: Sequence[bytes] = (post(),)
    engine: Sequence[Script] = (GOOD,)
    box: Callable[[Api], None] = lambda _: None
    direct: int | None = 0  # answers that took the short way; None: as it happens
    leaves: bool = False  # the client, as soon as the engine was asked
    answers: int = 1


@dataclass
class Seen:
    """All that anybody can see of it."""

    said: list[bytes] = field(default_factory=list)
    asked: list[bytes] = field(default_factory=list)
    totals: dict[tuple[str, str, int], int] = field(default_factory=dict)
    sizes: dict[str, int] = field(default_factory=dict)
    lines: list[bytes] = field(default_factory=list)


def same_each_time(text: bytes) -> bytes:
    for pattern, instead in _EACH_TIME:
        text = re.sub(pattern, instead, text)
    return text


@contextlib.asynccontextmanager
async def serving(*, direct: bool, gate: Gate = OPEN_GATE, limits: Limits | None = None) -> AsyncIterator[Api]:
    async with aiohttp.ClientSession() as session:
        api = Api(free_port(), session, gate=gate)
        deps = api.deps()
        app = ApiApp(deps, Relay(deps))
        if not direct:
            app.direct = None
        listener = WireListener("the API", app, "127.0.0.1", api.port, limits)
        await listener.start()
        try:
            yield api
        finally:
            await listener.stop(1)


class Client:
    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    async def say(self, *pieces: bytes) -> None:
        for piece in pieces:
            self._writer.write(piece)
            await self._writer.drain()
            for _ in range(5):
                await asyncio.sleep(0)

    async def answer(self) -> bytes:
        async with asyncio.timeout(10):
            head = await self._reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"content-length: (\d+)", head)
            if length is not None:
                return head + await self._reader.readexactly(int(length[1]))
            if b"chunked" in head:
                return head + await self._reader.readuntil(b"0\r\n\r\n")
            return head + await self._reader.read()

    def leave(self) -> None:
        self._writer.transport.abort()


@contextlib.asynccontextmanager
async def client(api: Api) -> AsyncIterator[Client]:
    one = Client(*await asyncio.open_connection("127.0.0.1", api.port, limit=1 << 23))
    try:
        yield one
    finally:
        one.leave()


class Lines(logging.Handler):
    """What the access log says."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: list[bytes] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(same_each_time(record.getMessage().encode()))


@contextlib.contextmanager
def access_log() -> Any:
    log, lines = logging.getLogger("meshbox.access"), Lines()
    log.addHandler(lines)
    before = log.level
    log.setLevel(logging.INFO)
    try:
        yield lines.lines
    finally:
        log.removeHandler(lines)
        log.setLevel(before)


async def play(case: Case, *, direct: bool, gate: Gate = OPEN_GATE, warm: bytes = b"") -> tuple[Seen, int]:
    """What is seen of a case, and how many answers took the short way."""
    scripts = [GOOD] * WARM + [*case.engine]
    async with fake_upstream(*scripts) as fake, serving(direct=direct, gate=gate) as api, client(api) as one:
        api.serve(ready(fake.endpoint, slots=4))
        for _ in range(WARM):
            await one.say(warm or post())
            await one.answer()
        before, asked = api.meter.direct().get(MODEL, 0), len(fake.requests)
        with access_log() as lines:
            seen = await see(case, api, fake, one, lines)
        seen.asked = [same_each_time(request) for request in fake.requests[asked:]]
        return seen, api.meter.direct().get(MODEL, 0) - before


async def see(case: Case, api: Api, fake: FakeUpstream, one: Client, lines: list[bytes]) -> Seen:
    asked, earlier = len(fake.requests), sum(api.meter.totals().values())
    case.box(api)
    await one.say(*case.sent)
    seen = Seen()
    if case.leaves:
        await until(lambda: len(fake.requests) > asked)
        one.leave()
    else:
        seen.said = [same_each_time(await one.answer()) for _ in range(case.answers)]
    if lines or api.meter.load() != RequestLoad() or case.leaves:
        await until(lambda: api.meter.load() == RequestLoad() and sum(api.meter.totals().values()) > earlier)
    seen.totals, seen.sizes, seen.lines = dict(api.meter.totals()), dict(api.meter.bytes_sent()), lines
    return seen
