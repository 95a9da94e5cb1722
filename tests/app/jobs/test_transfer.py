"""One file from servers that do not behave."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from appliance.models.failed import TransferFailed
from appliance.models.part_file import PartFile
from appliance.models.requests import Remote, make_session
from appliance.models.sources import Distance, Offer
from appliance.models.throttle import Throttle
from appliance.models.transfer import SLOW_TRIES, Patience, Transfer, Watcher
from appliance.models.web_source import WebSource
from tests.fakes.hub import sha256
from tests.fakes.sources import Holder

DATA = bytes(range(256)) * 8192
HASH = sha256(DATA)
IMPATIENT = Patience(tries=3, first_s=0.001, longest_s=0.001)
Answer = Callable[[bytes], bytes]  # from a request's head to all that is sent


def answer(body: bytes, status: str = "200 OK", *, length: int | None = None, **headers: str) -> bytes:
    told = {"Content-Length": str(len(body) if length is None else length)}
    told |= {name.replace("_", "-"): value for name, value in headers.items()}
    lines = "".join(f"{name}: {value}\r\n" for name, value in told.items())
    return f"HTTP/1.1 {status}\r\n{lines}\r\n".encode() + body


def part_of(begin: int, body: bytes, etag: str = "") -> bytes:
    told = f"bytes {begin}-{begin + len(body) - 1}/{len(DATA)}"
    return answer(body, "206 Partial Content", Content_Range=told, ETag=etag)


@asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[tuple[str, list[bytes]]]:
    """Gives each request the next answer and closes; the last one for all that follow."""
    waiting, seen = list(answers), list[bytes]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(waiting.pop(0) if len(waiting) > 1 else waiting[0])
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/x.gguf", seen
    finally:
        server.close()


async def fetch(folder: Path, remote: Remote, already: bytes = b"", mark: str | None = None) -> tuple[str, PartFile]:
    if already:
        await asyncio.to_thread(prepare, folder, already, mark)
    part = PartFile(folder, "key")
    async with make_session(guarded=False) as session:
        watcher = Watcher(lambda _: None, lambda _: None, lambda _, __: None)
        found = await Transfer(Throttle(lambda: 0), IMPATIENT).fetch([WebSource(session, remote)], part, watcher)
    return found, part


def prepare(folder: Path, data: bytes, mark: str | None) -> None:
    part = PartFile(folder, "key")
    part.open()
    part.restart(mark)
    part.append(data)
    part.close()


def known(url: str) -> Remote:
    return Remote(url, len(DATA), HASH)


async def test_a_server_without_ranges_starts_anew(tmp_path: Path) -> None:
    """It gives all or nothing; nothing is kept twice."""
    async with serving(answer(DATA[:1_500_000], length=len(DATA)), answer(DATA)) as (url, seen):
        found, part = await fetch(tmp_path, known(url))
        assert (found, part.whole.read_bytes() == DATA) == (HASH, True)
        assert b"Range: bytes=" in seen[1]


@pytest.mark.parametrize(
    "wrong",
    [
        part_of(7, DATA[7:]),
        answer(DATA[100_000:], "206 Partial Content"),
        answer(b"", "416 Range Not Satisfiable"),
        answer(DATA[100_000:], "206 Partial Content", Content_Range="bytes senseless"),
    ],
)
async def test_a_wrong_part_is_not_taken(tmp_path: Path, wrong: bytes) -> None:
    """The next try begins with the first byte."""
    async with serving(wrong, answer(DATA)) as (url, seen):
        found, _ = await fetch(tmp_path, known(url), already=DATA[:100_000])
        assert (found, len(seen), b"Range" in seen[1]) == (HASH, 2, False)


async def test_a_server_that_ignores_the_mark_is_found_out(tmp_path: Path) -> None:
    """It sends a part of another file as if it were the same."""
    other = part_of(100_000, DATA[100_000:], '"new"')
    async with serving(other, answer(DATA, ETag='"new"')) as (url, seen):
        found, part = await fetch(tmp_path, Remote(url, from_hub=False), b"x" * 100_000, '"old"')
        assert (found, b'If-Range: "old"' in seen[0]) == (HASH, True)
        assert part.whole.read_bytes() == DATA


@pytest.mark.parametrize("mark", ["", 'W/"weak"'])
async def test_a_file_that_nobody_can_tell_apart_starts_anew(tmp_path: Path, mark: str) -> None:
    """Without a checksum and without a mark two halves may not belong together."""
    async with serving(answer(DATA[:1_500_000], length=len(DATA), ETag=mark), answer(DATA)) as (url, seen):
        await fetch(tmp_path, Remote(url, from_hub=False))
        assert b"Range" not in seen[1]


async def test_another_length_than_the_hub_said_is_another_file(tmp_path: Path) -> None:
    """It is told before it is fetched."""
    async with serving(answer(DATA + b"x")) as (url, seen):
        with pytest.raises(TransferFailed) as caught:
            await fetch(tmp_path, known(url))
        assert (caught.value.code, len(seen)) == ("changed", 1)


async def test_an_endless_file_ends(tmp_path: Path) -> None:
    """No more is taken than it is said to have."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (len(DATA), DATA)
    async with serving(head + chunk * 3 + b"0\r\n\r\n") as (url, _):
        with pytest.raises(TransferFailed) as caught:
            await fetch(tmp_path, known(url))
        assert caught.value.code == "bad_answer"


async def test_a_file_without_a_length_is_taken_to_its_end(tmp_path: Path) -> None:
    """And not when it breaks off."""
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    chunk = b"%x\r\n%s\r\n" % (len(DATA), DATA)
    async with serving(head + chunk, head + chunk + b"0\r\n\r\n") as (url, seen):
        found, _ = await fetch(tmp_path, Remote(url, from_hub=False))
        assert (found, len(seen)) == (HASH, 2)


async def test_what_is_whole_already_is_not_asked_for(tmp_path: Path) -> None:
    """A crash may come between the last byte and its checksum."""
    async with serving(answer(b"")) as (url, seen):
        found, _ = await fetch(tmp_path, known(url), already=DATA)
        assert (found, seen) == (HASH, [])


async def test_trying_ends(tmp_path: Path) -> None:
    """With the last reason; what came is kept."""
    async with serving(answer(DATA[:1_500_000], length=len(DATA)), b"") as (url, seen):
        with pytest.raises(TransferFailed) as caught:
            await fetch(tmp_path, known(url))
        assert (caught.value.code, caught.value.temporary) == ("hub_unreachable", True)
        assert len(seen) > IMPATIENT.tries
        assert PartFile(tmp_path, "key").present() > 1_000_000


def test_pauses_grow_to_a_limit() -> None:
    """A server that is down for an hour is not asked every second."""
    patience = Patience(first_s=1, longest_s=60)
    assert [patience.pause(n) for n in (1, 2, 3, 10, 1000)] == [1, 2, 4, 60, 60]


class Drip:
    """A clock that moves on with every byte that comes."""

    now = 0.0

    def __call__(self) -> float:
        return self.now

    def wait(self) -> None:
        self.now += 20.0


async def fetched(folder: Path, drip: Drip, *holders: Holder) -> PartFile:
    part, watcher = PartFile(folder, "key"), Watcher(lambda _: None, lambda _: None, lambda _, __: None)
    await Transfer(Throttle(lambda: 0), IMPATIENT, clock=drip).fetch(holders, part, watcher)
    return part


async def test_who_sends_next_to_nothing_is_let_go(tmp_path: Path) -> None:
    """After some connections, each going on where the last stopped; what came is kept for another time."""
    drip = Drip()
    holder = Holder(Offer("slow.example", len(DATA), HASH), DATA, drips=drip.wait)
    with pytest.raises(TransferFailed) as caught:
        await fetched(tmp_path, drip, holder)
    came = SLOW_TRIES * 9
    assert (caught.value.code, len(holder.asked)) == ("too_slow", SLOW_TRIES)
    assert "slow.example sends next to nothing" in caught.value.detail
    assert holder.asked == [0, came // SLOW_TRIES, came * 2 // SLOW_TRIES]
    holder.drips = None
    part = await fetched(tmp_path, drip, holder)
    assert (holder.asked[-1], part.whole.read_bytes()) == (came, DATA)


async def test_somebody_near_who_is_slow_is_followed_by_the_next(tmp_path: Path) -> None:
    """The origin goes on where he stopped."""
    drip = Drip()
    near = Holder(Offer("a box", len(DATA), HASH, Distance.HOUSE), DATA, drips=drip.wait)
    origin = Holder(Offer("hub.example", len(DATA), HASH), DATA)
    part = await fetched(tmp_path, drip, near, origin)
    assert (near.asked, origin.asked, part.whole.read_bytes()) == ([0], [9], DATA)


async def test_a_byte_at_each_try_is_no_progress(tmp_path: Path) -> None:
    """Somebody who breaks off after every byte is given up like one who sends nothing."""
    holder = Holder(Offer("odd.example", len(DATA), HASH), DATA, most=1)
    with pytest.raises(TransferFailed):
        await fetched(tmp_path, Drip(), holder)
    assert holder.asked == [0, 1, 2]
