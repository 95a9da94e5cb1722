"""Files that somebody sends."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from appliance.jobs import uploads as module
from appliance.jobs.plan import key_of
from appliance.jobs.uploads import Received, Uploads
from appliance.models.failed import ModelProblem
from appliance.models.places import BadName
from tests.app.jobs.harness import bench
from tests.fakes.hub import FIXTURES, FakeHub

NAME = "mesh-tiny-draft-Q8_0.gguf"
DATA = (FIXTURES / NAME).read_bytes()


async def body(data: bytes, piece: int = 64 << 10) -> AsyncIterator[bytes]:
    for at in range(0, len(data), piece):
        yield data[at : at + piece]
        await asyncio.sleep(0)


async def broken(data: bytes) -> AsyncIterator[bytes]:
    async for piece in body(data):
        yield piece
    raise ConnectionError("the sender has gone")


async def refused(uploads: Uploads, data: bytes, offset: int = 0, total: int | None = None, name: str = NAME) -> str:
    with pytest.raises(ModelProblem) as caught:
        await uploads.receive(name, offset, total, body(data))
    return caught.value.code


async def test_a_file_is_taken_in_when_it_is_whole(tmp_path: Path, hub: FakeHub) -> None:
    """It is ours then, and may be removed again."""
    async with bench(tmp_path, hub) as box:
        received = await box.work.uploads.receive(NAME, 0, len(DATA), body(DATA))
        assert received == Received(NAME, len(DATA), len(DATA), "mesh-tiny-draft-Q8_0")
        assert (box.files(), box.parts) == ({NAME: DATA}, [])
        assert box.work.shelf.managed(NAME) is not None


async def test_an_upload_goes_on_where_it_broke(tmp_path: Path, hub: FakeHub) -> None:
    """Also after a restart of the box; the sender is told where."""
    async with bench(tmp_path, hub) as box:
        with pytest.raises(ModelProblem):
            await box.work.uploads.receive(NAME, 0, len(DATA), broken(DATA[:300_000]))
        assert await box.work.uploads.received(NAME) == Received(NAME, 300_000)
    async with bench(tmp_path, hub) as box:
        assert await refused(box.work.uploads, DATA, offset=5) == "wrong_offset"
        received = await box.work.uploads.receive(NAME, 300_000, len(DATA), body(DATA[300_000:]))
        assert received.model == "mesh-tiny-draft-Q8_0"
        assert box.files() == {NAME: DATA}


async def test_another_file_of_the_same_name_begins_anew(tmp_path: Path, hub: FakeHub) -> None:
    """The beginning of the one and the rest of the other would be a model that babbles."""
    async with bench(tmp_path, hub) as box:
        uploads, half = box.work.uploads, len(DATA) // 2
        await uploads.receive(NAME, 0, len(DATA), body(DATA[:half]), "old")
        assert [(await uploads.received(NAME, mark)).size for mark in (None, "old", "new")] == [half, half, 0]
        with pytest.raises(ModelProblem, match="begin this one anew"):
            await uploads.receive(NAME, half, len(DATA), body(DATA[half:]), "new")
        await uploads.receive(NAME, 0, len(DATA), body(DATA), "new")
        assert (box.files(), box.parts) == ({NAME: DATA}, [])


async def test_a_whole_file_that_was_not_taken_in_is_asked_for(tmp_path: Path, hub: FakeHub) -> None:
    """The box may have ended between the last byte and its look at the file: an empty part at the end is enough."""
    part = tmp_path / "models" / ".downloads" / f"upload-{key_of(NAME)}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(DATA)
    async with bench(tmp_path, hub) as box:
        received = await box.work.uploads.receive(NAME, len(DATA), len(DATA), body(b""))
        assert (received.model, box.files()) == ("mesh-tiny-draft-Q8_0", {NAME: DATA})


async def test_a_part_of_a_file_is_not_taken_in(tmp_path: Path, hub: FakeHub) -> None:
    """There is more to come."""
    async with bench(tmp_path, hub) as box:
        received = await box.work.uploads.receive(NAME, 0, len(DATA), body(DATA[:100_000]))
        assert received == Received(NAME, 100_000, len(DATA))
        assert box.files() == {}


async def test_sending_from_the_start_forgets_what_was_there(tmp_path: Path, hub: FakeHub) -> None:
    """Another file may have had that name."""
    async with bench(tmp_path, hub) as box:
        await box.work.uploads.receive(NAME, 0, 900_000, body(b"GGUF" + b"\x03\0\0\0" + b"\0" * 100_000))
        assert (await box.work.uploads.receive(NAME, 0, len(DATA), body(DATA))).model is not None


@pytest.mark.parametrize("data", [b"<!doctype html>" + b"." * 5000, b"\0" * 5000, b"", b"GGUF"])
async def test_what_is_no_model_is_refused(tmp_path: Path, hub: FakeHub, data: bytes) -> None:
    """And not kept."""
    async with bench(tmp_path, hub) as box:
        assert await refused(box.work.uploads, data, total=len(data)) == "not_gguf"
        assert box.files() == {}


async def test_a_file_that_is_cut_short_is_refused(tmp_path: Path, hub: FakeHub) -> None:
    """Its own header says how long it should be."""
    async with bench(tmp_path, hub) as box:
        assert await refused(box.work.uploads, DATA[:-1], total=len(DATA) - 1) == "not_gguf"


async def test_more_than_was_announced_is_refused(tmp_path: Path, hub: FakeHub) -> None:
    """A sender and a file that do not fit together."""
    async with bench(tmp_path, hub) as box:
        assert await refused(box.work.uploads, DATA, total=1000) == "bad_range"


async def test_a_full_disk_is_told_before_the_first_byte(tmp_path: Path, hub: FakeHub) -> None:
    """With how much is there."""
    async with bench(tmp_path, hub, free=lambda _: 1000) as box:
        assert await refused(box.work.uploads, DATA, total=len(DATA)) == "disk_full"


async def test_a_name_that_is_taken_is_refused(tmp_path: Path, hub: FakeHub) -> None:
    """Nothing is replaced."""
    async with bench(tmp_path, hub) as box:
        (box.models / NAME).write_bytes(b"mine")
        assert await refused(box.work.uploads, DATA) == "file_exists"
        assert box.files() == {NAME: b"mine"}


@pytest.mark.parametrize("name", ["model.txt", ".gguf", "", "..", "x" * 300 + ".gguf"])
async def test_names_that_cannot_be_are_refused(tmp_path: Path, hub: FakeHub, name: str) -> None:
    """The engine reads no other files."""
    async with bench(tmp_path, hub) as box:
        with pytest.raises(BadName):
            await box.work.uploads.received(name)


async def test_names_lead_nowhere(tmp_path: Path, hub: FakeHub) -> None:
    """Whatever a browser sends as one."""
    async with bench(tmp_path, hub) as box:
        received = await box.work.uploads.receive("../../evil.gguf", 0, len(DATA), body(DATA))
        assert box.files() == {received.name: DATA}


async def test_one_sender_a_file(tmp_path: Path, hub: FakeHub) -> None:
    """Two would spoil it."""
    async with bench(tmp_path, hub) as box:
        gate = asyncio.Event()

        async def slow() -> AsyncIterator[bytes]:
            yield DATA
            await gate.wait()

        async with asyncio.TaskGroup() as tasks:
            first = tasks.create_task(box.work.uploads.receive(NAME, 0, len(DATA), slow()))
            await asyncio.sleep(0)
            assert await refused(box.work.uploads, DATA) == "upload_running"
            gate.set()
        assert first.result().model is not None


async def test_a_silent_sender_is_let_go(tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """What he sent is kept."""
    monkeypatch.setattr(module, "SILENCE_SECONDS", 0.05)

    async def silent() -> AsyncIterator[bytes]:
        yield DATA[:1000]
        await asyncio.sleep(3600)

    async with bench(tmp_path, hub) as box:
        with pytest.raises(ModelProblem) as caught:
            await box.work.uploads.receive(NAME, 0, len(DATA), silent())
        assert caught.value.code == "too_slow"
        assert (await box.work.uploads.received(NAME)).size == 1000


async def test_a_sender_who_drips_is_let_go(tmp_path: Path, hub: FakeHub) -> None:
    """The name is free again at once, and he may go on where he stopped."""
    now = 0.0

    async def dripping() -> AsyncIterator[bytes]:
        nonlocal now
        for at in range(len(DATA)):
            now += 50.0
            yield DATA[at : at + 1]

    async with bench(tmp_path, hub) as box:
        uploads = Uploads(box.models, box.work.shelf, clock=lambda: now)
        with pytest.raises(ModelProblem) as caught:
            await uploads.receive(NAME, 0, len(DATA), dripping())
        assert (caught.value.code, now) == ("too_slow", 200.0)
        begun = (await uploads.received(NAME)).size
        assert begun == 4
        received = await uploads.receive(NAME, begun, len(DATA), body(DATA[begun:]))
        assert received.model == "mesh-tiny-draft-Q8_0"
