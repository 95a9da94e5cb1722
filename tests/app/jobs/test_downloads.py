"""Downloads from a hub on this machine: whole, interrupted, refused, and over a restart of the box."""

from __future__ import annotations

import asyncio
import errno
from pathlib import Path

import pytest

import appliance.jobs.downloads as service
from appliance.jobs.tidy import UPLOAD
from appliance.models.failed import ModelProblem
from appliance.models.part_file import PartFile
from appliance.models.requests import BUFFER
from appliance.models.sources import Distance, Offer
from appliance.models.types import Capability, Level
from appliance.node.jobs import JobState
from tests.app.jobs.harness import bench, failure_code
from tests.fakes.hub import FIXTURES, PIECE, SECOND, SECOND_FILES, TOKEN, FakeHub, Seen, sha256
from tests.fakes.sources import Holder
from tests.unit.models.gguf_files import gguf_bytes, split_metadata

MODEL, COMPANION = SECOND_FILES
FOLDER = "mesh--tiny-second-GGUF"
DRAFT = "mesh/tiny-draft-GGUF"
WHOLE = {f"{FOLDER}/{name}": (FIXTURES / name).read_bytes() for name in SECOND_FILES}
LOST = 2 * BUFFER + PIECE  # what may have been on its way when a connection broke
SIZE = sum(len(data) for data in WHOLE.values())


def begin_of(seen: Seen) -> int:
    """Where in the file a request begins."""
    return int((seen.range or "bytes=0-").removeprefix("bytes=").split("-")[0])


async def test_a_model_comes_with_its_companion(tmp_path: Path, hub: FakeHub) -> None:
    """Both lie side by side under the repository's names, the job says what became of it, nothing else is left."""
    async with bench(tmp_path, hub) as box:
        job = await box.fetch(SECOND)
        assert (job.state, job.progress, job.total_bytes) == (JobState.DONE, 1.0, SIZE)
        assert job.result == "mesh-tiny-second-Q8_0"
        assert (box.files(), box.parts) == (WHOLE, [])
        assert [model.id for model in (await box.library()).models] == [job.result]


async def test_who_is_near_is_asked_before_the_hub(tmp_path: Path, hub: FakeHub) -> None:
    """The hub is asked for the rest alone, and for what nobody else has."""
    near = list[Holder]()

    async def find(wanted: Offer) -> list[Holder]:
        data = WHOLE[f"{FOLDER}/{MODEL}"]
        if wanted.sha256 == sha256(data):
            near.append(Holder(Offer("a box", len(data), wanted.sha256, Distance.HOUSE), data, most=len(data) // 2))
        return near

    async with bench(tmp_path, hub, others=find) as box:
        job = await box.fetch(SECOND)
        assert (job.state, box.files()) == (JobState.DONE, WHOLE)
        assert [holder.asked for holder in near] == [[0]]
        asked = {seen.path.rpartition("/")[2]: begin_of(seen) for seen in hub.asked("/blob/")}
        assert sorted(asked.values()) == [0, len(WHOLE[f"{FOLDER}/{MODEL}"]) // 2]


async def test_what_was_fetched_is_remembered(tmp_path: Path, hub: FakeHub) -> None:
    """Where it came from, its checksum and its revision: over a restart."""
    async with bench(tmp_path, hub) as box:
        await box.fetch(SECOND)
    async with bench(tmp_path, hub) as box:
        file = box.work.shelf.managed(f"{FOLDER}/{MODEL}")
        assert file is not None
        assert (file.sha256, file.source) == (sha256(WHOLE[file.path]), SECOND)
        assert file.revision == hub.repos[SECOND].commit


async def test_what_the_hub_said_of_it_is_remembered(tmp_path: Path, hub: FakeHub) -> None:
    """Over a restart. It never takes the place of what a file proves, and never makes anything sure."""
    hub.repos[DRAFT].task = hub.repos[SECOND].task = "image-text-to-text"
    for _ in range(2):
        async with bench(tmp_path, hub) as box:
            await box.fetch(DRAFT)
            await box.fetch(SECOND)
            plain, proven = (await box.library()).models
            assert plain.told == proven.told == (Capability.VISION,)
            seen = [model.profile.claims[0] for model in (plain, proven) if model.profile]
            assert [claim.level for claim in seen] == [Level.LIKELY, Level.SURE]
            assert [claim.source for claim in seen] == ["what the hub said of it", "the projector beside it"]
            assert plain.projector is None


async def test_what_is_here_already_is_not_fetched_again(tmp_path: Path, hub: FakeHub) -> None:
    """The job is done at once."""
    async with bench(tmp_path, hub) as box:
        await box.fetch(SECOND)
        asked = len(hub.asked("/blob/"))
        assert (await box.fetch(f"{SECOND}:Q8_0")).state is JobState.DONE
        assert len(hub.asked("/blob/")) == asked


async def test_a_broken_answer_goes_on_where_it_broke(tmp_path: Path, hub: FakeHub) -> None:
    """By a range; nothing is fetched twice."""
    hub.cut_after(700_000, 900_000)
    async with bench(tmp_path, hub) as box:
        assert (await box.fetch(SECOND)).state is JobState.DONE
        assert box.files() == WHOLE
    begins = [begin_of(seen) for seen in hub.asked(f"/blob/{sha256(WHOLE[f'{FOLDER}/{MODEL}'])}")]
    assert begins[0] == 0
    assert 700_000 - LOST < begins[1] <= 700_000
    assert begins[1] + 900_000 - LOST < begins[2] <= begins[1] + 900_000


async def test_a_restart_of_the_box_goes_on_by_itself(tmp_path: Path, hub: FakeHub) -> None:
    """With what came before, and without asking the hub anew what there is."""
    hub.pause(after=1_100_000)
    async with bench(tmp_path, hub) as box:
        job = await box.downloads.start(SECOND)
        await box.has_grown_to(1_000_000)
    hub.resume()
    async with bench(tmp_path, hub) as box:
        again = await box.ended(job)
        assert (again.id, again.state) == (job.id, JobState.DONE)
        assert box.files() == WHOLE
    assert len(hub.asked("/api/models/")) == 1
    assert any(begin_of(seen) > 1_000_000 - LOST for seen in hub.asked("/blob/"))


async def test_ended_jobs_are_there_after_a_restart(tmp_path: Path, hub: FakeHub) -> None:
    """As they ended."""
    async with bench(tmp_path, hub) as box:
        done, failed = await box.fetch(DRAFT), await box.fetch("mesh/nothing-GGUF")
    async with bench(tmp_path, hub) as box:
        jobs = box.downloads.jobs()
        assert (jobs[done.id], jobs[failed.id].error) == (done, failed.error)


async def test_a_wrong_checksum_is_never_taken(tmp_path: Path, hub: FakeHub) -> None:
    """Nothing of it stays, and the job says why."""
    hub.repos[DRAFT].hashes["mesh-tiny-draft-Q8_0.gguf"] = "0" * 64
    async with bench(tmp_path, hub) as box:
        job = await box.fetch(DRAFT)
        assert failure_code(job) == "hash_mismatch"
        assert box.files() == {}
        assert sum(part.stat().st_size for part in box.parts) == 0


async def test_a_part_that_was_spoilt_is_fetched_anew(tmp_path: Path, hub: FakeHub) -> None:
    """What lay on the disk over a restart is not believed: the checksum is of all bytes."""
    hub.pause(after=1_100_000)
    async with bench(tmp_path, hub) as box:
        job = await box.downloads.start(SECOND)
        await box.has_grown_to(1_000_000)
    (part,) = (tmp_path / "models" / ".downloads").glob("*.part")
    part.write_bytes(b"\0" * 100 + part.read_bytes()[100:])
    hub.resume()
    async with bench(tmp_path, hub) as box:
        assert (await box.ended(job)).state is JobState.DONE
        assert box.files() == WHOLE


async def test_a_file_of_the_web_that_changed_starts_anew(tmp_path: Path, hub: FakeHub) -> None:
    """Half of the old and half of the new would be neither."""
    hub.direct["model.gguf"] = (FIXTURES / "mesh-tiny-second-Q8_0.gguf").read_bytes()
    hub.pause(after=1_500_000)
    url = hub.url.replace("127.0.0.1", "localhost") + "/files/model.gguf?key=secret"
    async with bench(tmp_path, hub, allow_private_urls=True) as box:
        job = await box.downloads.start(url)
        await box.has_grown_to(1_000_000)
        assert "secret" not in job.subject
    hub.direct["model.gguf"] = changed = (FIXTURES / "mesh-tiny-draft-F16.gguf").read_bytes()
    hub.resume()
    async with bench(tmp_path, hub, allow_private_urls=True) as box:
        assert (await box.ended(job)).state is JobState.DONE
        assert box.files() == {"localhost/model.gguf": changed}
    assert [seen.headers.get("If-Range") for seen in hub.asked("/files/")][-1] is not None


async def test_a_commit_is_fetched_whole_though_the_branch_moves(tmp_path: Path, hub: FakeHub) -> None:
    """All files are of the moment the person asked."""
    hub.pause(after=1_100_000)
    async with bench(tmp_path, hub) as box:
        job = await box.downloads.start(SECOND)
        await box.has_grown_to(1_000_000)
        hub.repos[SECOND].files[COMPANION] = b"GGUF of tomorrow"
        hub.resume()
        assert (await box.ended(job)).state is JobState.DONE
        assert box.files() == WHOLE


async def test_all_shards_come_with_the_first(tmp_path: Path, hub: FakeHub) -> None:
    """And they are one model."""
    names = [f"big-Q8_0-{number:05d}-of-00003.gguf" for number in (1, 2, 3)]
    files = {name: gguf_bytes(split_metadata(n, 3)) for n, name in enumerate(names, 1)}
    hub.add("mesh/big-GGUF", files)
    async with bench(tmp_path, hub) as box:
        assert (await box.fetch(f"mesh/big-GGUF/{names[0]}")).result == "big-Q8_0"
        assert sorted(box.files()) == [f"mesh--big-GGUF/{name}" for name in names]
        assert [model.id for model in (await box.library()).models] == ["big-Q8_0"]


async def test_a_gated_model_needs_a_token_that_stays_with_the_hub(tmp_path: Path, hub: FakeHub) -> None:
    """Without one the job says what to do; the host of the files never sees it."""
    hub.repos[DRAFT].gated = True
    async with bench(tmp_path, hub) as box:
        job = await box.fetch(DRAFT)
        assert failure_code(job) == "gated"
        await box.work.hub.token.set(TOKEN)
        await box.downloads.retry(job.id)
        assert (await box.ended(job)).state is JobState.DONE
    assert hub.asked("/resolve/")[-1].token == f"Bearer {TOKEN}"
    assert {seen.token for seen in hub.asked("/blob/", host="storage")} == {None}


async def test_a_wrong_token_is_said_to_be_wrong(tmp_path: Path, hub: FakeHub) -> None:
    """It is not the same as none."""
    hub.repos[DRAFT].gated = True
    async with bench(tmp_path, hub) as box:
        await box.work.hub.token.set("hf_of_somebody_else")
        job = await box.fetch(DRAFT)
        assert failure_code(job) == "gated"
        assert job.error is not None
        assert "The account whose token is stored here may not have" in job.error.detail


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_a_hub_in_trouble_is_asked_again(tmp_path: Path, hub: FakeHub, status: int) -> None:
    """As soon as it says, for the facts and for the files."""
    async with bench(tmp_path, hub) as box:
        hub.answer_with(status, times=2, Retry_After="0")
        assert (await box.fetch(DRAFT)).state is JobState.DONE
        job = await box.downloads.start(SECOND)
        await box.until(job, lambda j: j.total_bytes is not None)
        hub.answer_with(status, times=1)
        assert (await box.ended(job)).state is JobState.DONE


async def test_a_hub_that_stays_in_trouble_ends_the_job(tmp_path: Path, hub: FakeHub) -> None:
    """After some tries, with the reason."""
    hub.answer_with(429, times=50)
    async with bench(tmp_path, hub) as box:
        assert failure_code(await box.fetch(DRAFT)) == "rate_limited"


async def test_a_full_disk_is_told_before_anything_is_fetched(tmp_path: Path, hub: FakeHub) -> None:
    """With how much is needed."""
    async with bench(tmp_path, hub, free=lambda _: 260_000_000) as box:
        job = await box.fetch(SECOND)
        assert failure_code(job) == "disk_full"
        assert job.error is not None
        assert "3 MiB are to be written, 248 MiB are free" in job.error.detail
        assert hub.asked("/blob/") == []


async def test_a_disk_that_fills_up_keeps_what_came(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When there is room again the job goes on from there."""
    append, full = PartFile.append, [True]

    def limited(part: PartFile, data: bytes) -> None:
        if full[0] and part.size > 500_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        append(part, data)

    monkeypatch.setattr(PartFile, "append", limited)
    async with bench(tmp_path, hub) as box:
        job = await box.fetch(SECOND)
        assert failure_code(job) == "disk_full"
        full[0] = False
        await box.downloads.retry(job.id)
        assert (await box.ended(job)).state is JobState.DONE
        assert box.files() == WHOLE
    assert any(begin_of(seen) > 500_000 for seen in hub.asked("/blob/"))


async def test_a_cancelled_job_leaves_nothing(tmp_path: Path, hub: FakeHub) -> None:
    """And can be tried again."""
    hub.pause(after=1_100_000)
    async with bench(tmp_path, hub) as box:
        job = await box.downloads.start(SECOND)
        await box.has_grown_to(1_000_000)
        assert (await box.downloads.cancel(job.id)).state is JobState.CANCELLED
        assert (box.files(), box.parts) == ({}, [])
        hub.resume()
        await box.downloads.retry(job.id)
        assert (await box.ended(job)).state is JobState.DONE


async def test_no_more_run_at_once_than_the_settings_say(tmp_path: Path, hub: FakeHub) -> None:
    """The others wait their turn."""
    hub.pause()
    async with bench(tmp_path, hub, downloads_at_once=1) as box:
        first, second = await box.downloads.start(SECOND), await box.downloads.start(DRAFT)
        await box.until(first, lambda j: j.total_bytes is not None)
        assert box.downloads.jobs()[second.id].state is JobState.QUEUED
        assert hub.asked("tiny-draft") == []
        hub.resume()
        assert (await box.ended(second)).state is JobState.DONE


async def test_a_waiting_job_can_be_cancelled(tmp_path: Path, hub: FakeHub) -> None:
    """Before it ever ran."""
    hub.pause()
    async with bench(tmp_path, hub, downloads_at_once=1) as box:
        await box.downloads.start(SECOND)
        second = await box.downloads.start(DRAFT)
        assert (await box.downloads.cancel(second.id)).state is JobState.CANCELLED
        assert hub.asked("tiny-draft") == []


async def test_the_same_name_asked_twice_is_one_job(tmp_path: Path, hub: FakeHub) -> None:
    """As long as it is under way."""
    hub.pause()
    async with bench(tmp_path, hub) as box:
        first = await box.downloads.start(SECOND)
        assert (await box.downloads.start(f" {SECOND} ")).id == first.id


async def test_two_jobs_with_a_file_in_common_both_end(tmp_path: Path, hub: FakeHub) -> None:
    """The one fetches it, the other finds it."""
    data = (FIXTURES / "mesh-tiny-draft-Q8_0.gguf").read_bytes()
    hub.repos[SECOND].files["mesh-tiny-second-F16.gguf"] = data
    async with bench(tmp_path, hub) as box:
        jobs = [await box.downloads.start(f"{SECOND}:{quant}") for quant in ("Q8_0", "F16")]
        assert {(await box.ended(job)).state for job in jobs} == {JobState.DONE}
        assert box.parts == []


async def test_a_file_of_the_owner_is_not_replaced(tmp_path: Path, hub: FakeHub) -> None:
    """What he put there himself is his."""
    own = tmp_path / "models" / FOLDER / MODEL
    own.parent.mkdir(parents=True)
    own.write_bytes(b"mine")
    async with bench(tmp_path, hub) as box:
        assert failure_code(await box.fetch(SECOND)) == "file_exists"
        assert box.files() == {f"{FOLDER}/{MODEL}": b"mine"}


@pytest.mark.parametrize("name", ["../../evil.gguf", "a/../../../evil.gguf", "/etc/evil.gguf", ".gguf", "..gguf"])
async def test_names_of_the_hub_lead_nowhere(tmp_path: Path, hub: FakeHub, name: str) -> None:
    """Whatever a repository calls its files, they lie in its folder or nowhere."""
    hub.add("mesh/evil-GGUF", {name: gguf_bytes()})
    before = set(tmp_path.parent.rglob("*evil*"))
    async with bench(tmp_path, hub) as box:
        await box.fetch("mesh/evil-GGUF")
        assert all(path.startswith("mesh--evil-GGUF/") for path in box.files())
    inside = tmp_path / "models" / "mesh--evil-GGUF"
    assert all(p == inside or inside in p.parents for p in set(tmp_path.parent.rglob("*evil*")) - before)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0x7f.1"])
async def test_private_addresses_are_refused(tmp_path: Path, hub: FakeHub, host: str) -> None:
    """Nobody makes the box call what only it can reach."""
    hub.direct["model.gguf"] = gguf_bytes()
    port = hub.url.rpartition(":")[2]
    async with bench(tmp_path, "https://hub.invalid") as box:
        for scheme in ("http", "https"):
            assert failure_code(await box.fetch(f"{scheme}://{host}:{port}/files/model.gguf")) == "address_refused"
    assert hub.requests == []


async def test_a_web_page_under_the_name_of_a_model_is_not_fetched(tmp_path: Path, hub: FakeHub) -> None:
    """Its first bytes tell."""
    hub.direct["model.gguf"] = b"<!doctype html>" + b"." * 3_000_000
    async with bench(tmp_path, hub, allow_private_urls=True) as box:
        job = await box.fetch(hub.url.replace("127.0.0.1", "localhost") + "/files/model.gguf")
        assert failure_code(job) == "not_gguf"
        assert box.parts == []


async def test_progress_is_told_now_and_then(tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not for every piece that comes: once in a while, and when the state changes."""
    monkeypatch.setattr(service, "REPORT_SECONDS", 3600.0)
    async with bench(tmp_path, hub) as box:
        await box.fetch(SECOND)
        assert len(box.reports) <= 5


async def test_only_the_last_fifty_ended_jobs_are_kept(
    tmp_path: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list that grows for ever helps nobody."""
    monkeypatch.setattr(service, "KEPT", 3)
    async with bench(tmp_path, hub) as box:
        jobs = [await box.fetch(f"mesh/nothing-{number}") for number in range(5)]
        kept = [job.id for job in jobs[2:]]
        async with asyncio.timeout(10):
            async for outlook in box.loop.watch():
                if list(outlook.snapshot.jobs) == kept:
                    break
    async with bench(tmp_path, hub) as box:
        assert list(box.downloads.jobs()) == kept


async def test_parts_that_nobody_needs_are_cleared_away(tmp_path: Path, hub: FakeHub) -> None:
    """When the box starts; uploads wait for their sender."""
    folder = tmp_path / "models" / ".downloads"
    folder.mkdir(parents=True)
    for name in ("old.part", "old.mark", f"{UPLOAD}x.part", "note.txt"):
        (folder / name).write_bytes(b"x")
    async with bench(tmp_path, hub) as box:
        assert [path.name for path in box.parts] == ["note.txt", f"{UPLOAD}x.part"]


async def test_an_ended_job_can_be_taken_off_the_list(tmp_path: Path, hub: FakeHub) -> None:
    """For good; one that runs cannot."""
    hub.pause()
    async with bench(tmp_path, hub) as box:
        failed, running = await box.fetch("mesh/nothing"), await box.downloads.start(SECOND)
        await box.downloads.forget(failed.id)
        with pytest.raises(ModelProblem, match="not over"):
            await box.downloads.forget(running.id)
        async for outlook in box.loop.watch():
            if list(outlook.snapshot.jobs) == [running.id]:
                break
    async with bench(tmp_path, hub) as box:
        assert list(box.downloads.jobs()) == [running.id]
