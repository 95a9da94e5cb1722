"""What was fetched can be removed, what was not cannot; and when a model was last used."""

from __future__ import annotations

import contextlib
import sqlite3
import time
from dataclasses import replace
from pathlib import Path

import pytest

from appliance.jobs.cleanup import removable, unused
from appliance.jobs.shelf import ManagedFile
from appliance.models.failed import ModelProblem
from appliance.models.keepers import Keeper
from appliance.models.types import BrokenFile, Library
from appliance.node.decide import decide
from appliance.run_loop import Outlook
from appliance.storage.database import MIGRATIONS
from tests.app.jobs.harness import Bench, bench
from tests.builders import make_child, make_model, make_snapshot, with_child
from tests.fakes.hub import FIXTURES, SECOND, FakeHub

DRAFT = "mesh/tiny-draft-GGUF"
MODEL, OTHER = "mesh-tiny-second-Q8_0", "mesh-tiny-draft-Q8_0"


async def outlook(box: Bench, *wanted: str) -> Outlook:
    """The box with the files it has now."""
    snapshot = replace(make_snapshot(wanted=wanted), library=await box.library())
    return Outlook(1, snapshot, decide(snapshot, 0.0))


async def test_a_model_goes_with_its_companion_and_its_folder(tmp_path: Path, hub: FakeHub) -> None:
    """Nothing of it is left, also after a restart."""
    async with bench(tmp_path, hub) as box:
        await box.fetch(SECOND)
        removal = await removable(box.work.shelf, MODEL, await outlook(box))
        assert len(removal.files) == 2
        await box.work.shelf.remove([removal])
        assert [p.name for p in box.models.iterdir()] == [".downloads"]
    async with bench(tmp_path, hub) as box:
        assert box.work.shelf.managed(removal.files[0].path) is None


async def test_a_companion_stays_as_long_as_a_model_needs_it(tmp_path: Path, hub: FakeHub) -> None:
    """Two forms of a model share it."""
    hub.repos[SECOND].files["mesh-tiny-second-F16.gguf"] = (FIXTURES / "mesh-tiny-draft-Q8_0.gguf").read_bytes()
    async with bench(tmp_path, hub) as box:
        await box.fetch(f"{SECOND}:Q8_0")
        await box.fetch(f"{SECOND}:F16")
        await box.work.shelf.remove([await removable(box.work.shelf, MODEL, await outlook(box))])
        assert {path.rpartition("/")[2] for path in box.files()} == {
            "mesh-tiny-second-F16.gguf",
            "mmproj-mesh-tiny-second-F16.gguf",
        }


async def test_a_file_of_the_owner_is_never_removed(tmp_path: Path, hub: FakeHub) -> None:
    """Its path is said."""
    async with bench(tmp_path, hub) as box:
        own = box.models / f"{MODEL}.gguf"
        own.write_bytes((FIXTURES / f"{MODEL}.gguf").read_bytes())
        with pytest.raises(ModelProblem, match=str(own)) as caught:
            await removable(box.work.shelf, MODEL, await outlook(box))
        assert caught.value.code == "not_managed"
        assert await unused(box.work.shelf, box.work.usage, await outlook(box), time.time() + 9) == []


@pytest.mark.parametrize("keeper", [Keeper.OLLAMA, Keeper.LM_STUDIO, Keeper.HUGGING_FACE])
async def test_what_another_program_keeps_is_never_removed(tmp_path: Path, hub: FakeHub, keeper: Keeper) -> None:
    """It is said whose it is, of a broken one as well; a clean-up passes it by."""
    async with bench(tmp_path, hub) as box:
        model = replace(make_model("kept"), path=str(box.models / "x" / "kept.gguf"), keeper=keeper)
        broken = BrokenFile("torn", str(box.models / "x" / "torn.gguf"), "It is torn.", keeper)
        seen = Outlook(1, replace(make_snapshot(), library=Library((model,), (broken,))), decide(make_snapshot(), 0.0))
        for name in ("kept", "torn"):
            with pytest.raises(ModelProblem, match=f"{name} belongs to {keeper.program}") as caught:
                await removable(box.work.shelf, name, seen)
            assert caught.value.code == "not_managed"
        assert await unused(box.work.shelf, box.work.usage, seen, time.time() + 9) == []


async def test_the_bundled_model_stays(tmp_path: Path, hub: FakeHub) -> None:
    """It is what a box answers with."""
    async with bench(tmp_path, hub) as box:
        model = replace(make_model("small"), path="/opt/small.gguf", bundled=True)
        seen = Outlook(1, replace(make_snapshot(), library=Library((model,))), decide(make_snapshot(), 0.0))
        with pytest.raises(ModelProblem, match="small comes with Meshbox"):
            await removable(box.work.shelf, "small", seen)


async def test_a_model_of_which_a_part_is_the_owners_is_not_removed(tmp_path: Path, hub: FakeHub) -> None:
    """Half a model helps nobody."""
    async with bench(tmp_path, hub) as box:
        for number in (1, 2):
            name = f"{MODEL}-0000{number}-of-00002.gguf"
            (box.models / name).write_bytes(b"GGUF")
        first = ManagedFile(f"{MODEL}-00001-of-00002.gguf", 4, None, "upload", None, 0.0)
        await box.work.shelf.add([first])
        with pytest.raises(ModelProblem, match="00002-of-00002"):
            await removable(box.work.shelf, MODEL, await outlook(box))


async def test_a_served_model_is_not_removed(tmp_path: Path, hub: FakeHub) -> None:
    """Whether it is wanted by name or its engine still runs."""
    async with bench(tmp_path, hub) as box:
        await box.fetch(SECOND)
        wanted = await outlook(box, "mesh-tiny-second")
        running = wanted.snapshot
        running = with_child(running, make_child(running, MODEL))
        running = replace(running, settings=make_snapshot(wanted=()).settings)
        for seen in (wanted, Outlook(1, running, decide(running, 0.0))):
            with pytest.raises(ModelProblem) as caught:
                await removable(box.work.shelf, MODEL, seen)
            assert caught.value.code == "in_use"


async def test_a_model_nobody_knows(tmp_path: Path, hub: FakeHub) -> None:
    """It is not there, or not any more."""
    async with bench(tmp_path, hub) as box:
        with pytest.raises(ModelProblem) as caught:
            await removable(box.work.shelf, "nothing", await outlook(box))
        assert caught.value.code == "unknown_model"


async def test_what_cannot_be_read_can_be_removed(tmp_path: Path, hub: FakeHub) -> None:
    """A broken file of ours is ours."""
    async with bench(tmp_path, hub) as box:
        (box.models / "broken.gguf").write_bytes(b"GGUF")
        await box.work.shelf.add([ManagedFile("broken.gguf", 4, None, "upload", None, 0.0)])
        await box.work.shelf.remove([await removable(box.work.shelf, "broken", await outlook(box))])
        assert box.files() == {}


async def test_unused_models_are_those_fetched_and_used_before(tmp_path: Path, hub: FakeHub) -> None:
    """What is served is in use; what was never used counts from its download."""
    async with bench(tmp_path, hub) as box:
        await box.fetch(SECOND)
        await box.fetch(DRAFT)
        served, idle, later = await outlook(box, MODEL), await outlook(box), time.time() + 1
        shelf, usage = box.work.shelf, box.work.usage
        assert [r.model for r in await unused(shelf, usage, served, later)] == [OTHER]
        assert sorted(r.model for r in await unused(shelf, usage, idle, later)) == [OTHER, MODEL]
        assert await unused(shelf, usage, idle, time.time() - 60) == []


async def test_use_is_remembered_over_a_restart(tmp_path: Path, hub: FakeHub) -> None:
    """It ends when the model is no longer served."""
    async with bench(tmp_path, hub) as box:
        await box.fetch(SECOND)
        snapshot = replace(make_snapshot(wanted=(MODEL,)), library=await box.library())
        snapshot = with_child(snapshot, make_child(snapshot, MODEL))
        usage = box.work.usage
        assert usage.last(MODEL) is None
        await usage.see(Outlook(1, snapshot, decide(snapshot, 0.0)))
        assert (usage.last(MODEL) or 0) == pytest.approx(time.time(), abs=5)
        await usage.see(await outlook(box))
        ended = usage.last(MODEL)
        assert ended is not None
        assert usage.last(MODEL) == ended
    async with bench(tmp_path, hub) as box:
        assert box.work.usage.last(MODEL) == ended


async def test_a_file_of_an_earlier_version_is_ours_still(tmp_path: Path, hub: FakeHub) -> None:
    """Nothing is known of what the hub said of it then."""
    older = next(number for number, script in enumerate(MIGRATIONS) if "told" in script)
    with contextlib.closing(sqlite3.connect(tmp_path / "state.db")) as connection:
        connection.executescript("".join(MIGRATIONS[:older]) + f"PRAGMA user_version = {older};")
        connection.execute("INSERT INTO managed_files VALUES ('a.gguf', 1, NULL, 'org/repo', NULL, 1.0)")
        connection.commit()
    async with bench(tmp_path, hub) as box:
        assert box.work.shelf.managed("a.gguf") == ManagedFile("a.gguf", 1, None, "org/repo", None, 1.0)
        assert box.work.shelf.told_of(str(box.models / "a.gguf")) == ()
