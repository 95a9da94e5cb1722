"""A file that lies elsewhere on the box, named by its path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.node.jobs import JobState
from tests.app.jobs.harness import bench, failure_code
from tests.fakes.hub import FIXTURES, SECOND_FILES, FakeHub

SECOND = "mesh-tiny-second-Q8_0"


def put(folder: Path, *names: str) -> list[Path]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_bytes((FIXTURES / name).read_bytes())
    return [folder / name for name in names]


async def test_a_file_is_copied_with_its_projector(tmp_path: Path, hub: FakeHub) -> None:
    """The hub is not asked; the file stays where it was, and the copy is ours."""
    model, projector = put(tmp_path / "usb stick", *SECOND_FILES)
    async with bench(tmp_path, hub) as box:
        job = await box.fetch(str(model))
        assert (job.state, job.result) == (JobState.DONE, SECOND)
        copies = {f"{SECOND}/{path.name}": path.read_bytes() for path in (model, projector)}
        assert box.files() == copies
        assert box.work.shelf.managed(f"{SECOND}/{model.name}")
        assert box.parts == []
    assert hub.requests == []


async def test_a_projector_that_may_belong_to_others_stays(tmp_path: Path, hub: FakeHub) -> None:
    """In a folder of many models nobody can tell whose it is."""
    model, *_ = put(tmp_path / "disk", *SECOND_FILES, "mesh-tiny-draft-Q8_0.gguf")
    async with bench(tmp_path, hub) as box:
        await box.fetch(model.as_uri())
        assert list(box.files()) == [f"{SECOND}/{model.name}"]


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "inside"])
async def test_what_cannot_be_copied_is_told(tmp_path: Path, hub: FakeHub, kind: str) -> None:
    """And nothing waits for a pipe that never ends."""
    path = tmp_path / "x.gguf"
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    async with bench(tmp_path, hub) as box:
        if kind == "inside":
            (path,) = put(box.models, f"{SECOND}.gguf")
        code = failure_code(await box.fetch(str(path)))
    assert code == ("on_this_box" if kind == "inside" else "not_found")
