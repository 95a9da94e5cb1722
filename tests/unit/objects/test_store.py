"""Objects on the disk: taken in as they come, lent, gone without a trace."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from appliance.models.disk import MARGIN
from appliance.objects.spool import Spool
from appliance.objects.store import ObjectStore
from appliance.objects.types import LARGEST, LIFETIME_SECONDS, MIB, OWNER, ObjectProblem, Party

LAPTOP = Party("laptop", share="laptop")


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> Iterator[ObjectStore]:
    store = ObjectStore(tmp_path / "objects", lambda: 200 * MIB, clock)
    yield store
    store.close()


async def sent(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


def open_files(folder: Path) -> int:
    """That this process holds below a folder, named or not."""
    held = 0
    for one in Path("/proc/self/fd").iterdir():
        try:
            held += str(folder) in str(one.readlink())
        except FileNotFoundError:
            continue
    return held


async def test_what_goes_up_can_be_read(store: ObjectStore) -> None:
    """Byte for byte, from anywhere; its type is what it is."""
    blob = await store.take_in(sent(b"\x89PNG\r\n\x1a\n", b"x" * 100), LAPTOP)
    loan = store.lend(blob.id, LAPTOP)
    assert (blob.size, blob.type, blob.uses_left) == (108, "image/png", 3)
    assert (blob.url, loan.read(6, 4)) == (f"meshbox://objects/{blob.id}", b"\x1a\nxx")
    assert blob.document()["expires_at"] == "1970-01-01T00:31:40Z"


async def test_ids_cannot_be_guessed(store: ObjectStore) -> None:
    """192 random bits each."""
    ids = {(await store.take_in(sent(b"x"), LAPTOP)).id for _ in range(20)}
    assert (len(ids), {len(one) for one in ids}) == (20, {32})


async def test_the_folder_shows_nothing(store: ObjectStore, tmp_path: Path) -> None:
    """A file without a name is gone with its box, however that ends."""
    await store.take_in(sent(b"secret"), LAPTOP)
    assert (list((tmp_path / "objects").iterdir()), open_files(tmp_path)) == ([], 1)


async def test_it_is_gone_when_its_time_is_over(store: ObjectStore, clock: Clock, tmp_path: Path) -> None:
    """The disk has its bytes back."""
    await store.take_in(sent(b"x"), LAPTOP)
    clock.now += LIFETIME_SECONDS
    store.sweep()
    assert (store.count, open_files(tmp_path)) == (0, 0)


async def test_the_last_use_ends_it(store: ObjectStore, tmp_path: Path) -> None:
    """As soon as that request is over."""
    blob = await store.take_in(sent(b"x"), LAPTOP)
    for _ in range(3):
        assert open_files(tmp_path) == 1
        store.lend(blob.id, LAPTOP).give_back(used=True)
    assert (store.count, open_files(tmp_path)) == (0, 0)


@pytest.mark.parametrize("object_id", ["", "..", "../../secrets/node.key", "/etc/passwd", "x" * 5000, "a\x00b", "é"])
async def test_no_id_is_a_path(store: ObjectStore, object_id: str) -> None:
    """It is known or it is not."""
    for ask in (store.lend, store.remove):
        with pytest.raises(ObjectProblem) as caught:
            ask(object_id, OWNER)
        assert (caught.value.status, caught.value.code) == (404, "object_not_found")


async def problem(store: ObjectStore, pieces: AsyncIterator[bytes], announced: int | None = None) -> tuple[int, str]:
    with pytest.raises(ObjectProblem) as caught:
        await store.take_in(pieces, LAPTOP, announced)
    return caught.value.status, caught.value.code


async def test_a_size_that_was_a_lie(store: ObjectStore, tmp_path: Path) -> None:
    """What was announced as small ends at the limit all the same, and leaves nothing."""

    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield bytes(MIB)

    assert await problem(store, endless(), announced=10) == (413, "too_large")
    assert (store.filled, open_files(tmp_path)) == (0, 0)


async def test_a_size_that_is_told_is_refused_at_once(store: ObjectStore) -> None:
    """Nothing of it is read."""

    for announced in (LARGEST + MIB, 10**18):
        pieces = sent(b"never read")
        assert await problem(store, pieces, announced) == (413, "too_large")
        assert await anext(pieces) == b"never read"


async def test_nothing_is_no_object(store: ObjectStore) -> None:
    """An empty body is told so."""
    assert await problem(store, sent(), 0) == (422, "empty_object")


async def test_one_that_comes_too_slowly(store: ObjectStore, tmp_path: Path) -> None:
    """It ends, however small its pieces are."""
    store.upload_seconds = 0.05

    async def drip() -> AsyncIterator[bytes]:
        while True:
            await asyncio.sleep(0.001)
            yield b"."

    assert await problem(store, drip()) == (408, "too_slow")
    assert (store.filled, open_files(tmp_path)) == (0, 0)


async def test_a_client_that_leaves(store: ObjectStore, tmp_path: Path) -> None:
    """A cancelled upload leaves nothing."""
    begun = asyncio.Event()

    async def stuck() -> AsyncIterator[bytes]:
        yield bytes(3 * MIB)
        begun.set()
        await asyncio.Event().wait()

    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(store.take_in(stuck(), LAPTOP))
        await begun.wait()
        task.cancel()
    assert (store.filled, open_files(tmp_path)) == (0, 0)


async def test_a_disk_that_is_full(store: ObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is a word to the client, not a failure of the box."""

    def full(_self: Spool, _data: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Spool, "append", full)
    assert await problem(store, sent(b"x")) == (507, "disk_full")
    assert (store.filled, open_files(tmp_path)) == (0, 0)


async def test_a_disk_that_is_nearly_full(tmp_path: Path) -> None:
    """What the box itself has to write finds room; nothing of the object is read."""
    store = ObjectStore(tmp_path / "objects", lambda: 200 * MIB, free=lambda _: MARGIN + 100)
    assert await problem(store, sent(b"x"), announced=101) == (507, "disk_full")
    assert await problem(store, sent(b"x")) == (507, "disk_full")
    assert open_files(tmp_path) == 0
    assert (await store.take_in(sent(b"x"), LAPTOP, 100)).size == 1
    store.close()


async def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    """The same."""
    (tmp_path / "file").write_bytes(b"")
    store = ObjectStore(tmp_path / "file" / "objects", lambda: MIB)
    assert await problem(store, sent(b"x")) == (507, "not_writable")


async def test_the_end_of_the_box_closes_all(store: ObjectStore, tmp_path: Path) -> None:
    """Nothing is held any more."""
    await store.take_in(sent(b"x"), LAPTOP)
    store.close()
    assert open_files(tmp_path) == 0


async def test_refusals_are_counted_by_their_reason(store: ObjectStore) -> None:
    """Of what was not taken in, and of what nobody has."""
    for pieces in ((), (b"x" * (LARGEST + 1),)):
        with pytest.raises(ObjectProblem):
            await store.take_in(sent(*pieces), LAPTOP)
    with pytest.raises(ObjectProblem):
        store.lend("nothing", LAPTOP)
    assert store.tally.refused == {"empty_object": 1, "too_large": 1, "object_not_found": 1}
