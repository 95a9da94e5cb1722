"""Looking through folders."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from appliance.models.files import Obstacle, printable
from appliance.models.folder import MAX_DEPTH, list_files


def touch(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"x")
    return path


def found(root: Path) -> list[str]:
    return [str(file.path.relative_to(root)) for file in list_files(root).files]


def test_finds_model_files_at_every_depth_nearest_first(tmp_path: Path) -> None:
    """Folders inside folders are looked through, other files are left alone."""
    for name in ("b/c/d.gguf", "a.gguf", "b/a.GGUF", "b/readme.md", "c.safetensors"):
        touch(tmp_path / name)
    assert found(tmp_path) == ["a.gguf", "b/a.GGUF", "b/c/d.gguf"]


@pytest.mark.parametrize(
    "name",
    [
        "a.gguf.part",
        "a.gguf.incomplete",
        "a.gguf.aria2",
        ".a.gguf",
        "._a.gguf",
        ".cache/a.gguf",
        "@eaDir/a.gguf",
        "lost+found/a.gguf",
    ],
)
def test_leaves_out_what_is_no_finished_model(tmp_path: Path, name: str) -> None:
    """Downloads under way, hidden files and what file systems keep for themselves are not models."""
    touch(tmp_path / name)
    assert found(tmp_path) == []


@pytest.mark.parametrize(
    "place",
    [".ollama/models", ".lmstudio/models", ".cache/huggingface/hub", ".cache/lm-studio/models", "me/.ollama/models"],
)
def test_hidden_folders_are_entered_where_other_programs_keep_models(tmp_path: Path, place: str) -> None:
    """There and nowhere else in them."""
    touch(tmp_path / place / "org" / "repo" / "a.gguf")
    touch((tmp_path / place).parent / "b.gguf")
    touch(tmp_path / place / ".hidden" / "c.gguf")
    touch(tmp_path / place / ".d.gguf")
    assert found(tmp_path) == [f"{place}/org/repo/a.gguf"]


def test_what_lies_beside_the_files_of_another_program_is_found(tmp_path: Path) -> None:
    """Only what it keeps itself is read as it means it."""
    touch(tmp_path / "store" / "blobs" / "x.gguf")
    (tmp_path / "store" / "manifests").mkdir()
    touch(tmp_path / "store" / "own" / "a.gguf")
    touch(tmp_path / "models--org--repo" / "blobs" / "x.gguf")
    touch(tmp_path / "models--org--repo" / "snapshots" / "1" / "b.gguf")
    assert found(tmp_path) == ["store/own/a.gguf", "models--org--repo/snapshots/1/b.gguf"]


def test_goes_as_deep_as_caches_do_and_no_deeper(tmp_path: Path) -> None:
    """A folder tree without end does not hold the scan."""
    deep = tmp_path.joinpath(*"abcdefgh"[:MAX_DEPTH])
    touch(deep / "in.gguf")
    touch(deep / "x" / "out.gguf")
    assert [file.path.name for file in list_files(tmp_path).files] == ["in.gguf"]


def test_follows_links_but_each_folder_once(tmp_path: Path) -> None:
    """Links in a circle end the walk; a linked folder is seen through its nearest name."""
    touch(tmp_path / "real" / "deep" / "a.gguf")
    (tmp_path / "real" / "deep" / "up").symlink_to(tmp_path)
    (tmp_path / "linked").symlink_to(tmp_path / "real" / "deep")
    (tmp_path / "b.gguf").symlink_to(tmp_path / "real" / "deep" / "a.gguf")
    assert found(tmp_path) == ["b.gguf", "linked/a.gguf"]


def test_says_why_a_file_cannot_be_looked_at(tmp_path: Path) -> None:
    """Dead links, links in a circle and things that are no files are named, none is opened."""
    (tmp_path / "dead.gguf").symlink_to("nowhere")
    (tmp_path / "loop.gguf").symlink_to("loop.gguf")
    os.mkfifo(tmp_path / "pipe.gguf")
    assert list_files(tmp_path).obstacles == [
        Obstacle(tmp_path / "dead.gguf", "It is a link to a file that is not there."),
        Obstacle(tmp_path / "loop.gguf", "It cannot be read: Too many levels of symbolic links."),
        Obstacle(tmp_path / "pipe.gguf", "It is not a regular file."),
    ]


@pytest.mark.parametrize(("name", "reason"), [("none", "It is not there."), ("file", "It is not a folder.")])
def test_says_why_the_whole_folder_cannot_be_read(tmp_path: Path, name: str, reason: str) -> None:
    """A wrong path of the models folder is a sentence, not an exception."""
    touch(tmp_path / "file")
    assert list_files(tmp_path / name).unreadable == f"{tmp_path / name}: {reason}"


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may enter: pytest's own are closed to others."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def without_privileges() -> Iterator[None]:
    """Root may read everything, so as root the test goes on as nobody."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_says_what_may_not_be_read(open_folder: Path) -> None:
    """Folders closed to the box's user are named and the rest is still found."""
    touch(open_folder / "a.gguf")
    closed = touch(open_folder / "closed" / "b.gguf").parent
    closed.chmod(0)
    with without_privileges():
        listing, whole = list_files(open_folder), list_files(closed)
    closed.chmod(0o755)
    assert [file.path.name for file in listing.files] == ["a.gguf"]
    assert listing.obstacles == [Obstacle(closed, "The user that Meshbox runs as may not read it.")]
    assert whole.unreadable == f"{closed}: The user that Meshbox runs as may not read it."


def test_a_stamp_changes_with_the_file(tmp_path: Path) -> None:
    """Another size, another time and another file under the same name are all seen."""
    path = touch(tmp_path / "a.gguf")
    os.utime(path, ns=(1, 1))
    stamps = [list_files(tmp_path).files[0].stamp]
    path.write_bytes(b"xy")
    os.utime(path, ns=(1, 1))
    stamps.append(list_files(tmp_path).files[0].stamp)
    os.utime(path, ns=(2, 2))
    stamps.append(list_files(tmp_path).files[0].stamp)
    other = touch(tmp_path / "b")
    other.write_bytes(b"xy")
    os.utime(other, ns=(2, 2))
    other.rename(path)
    stamps.append(list_files(tmp_path).files[0].stamp)
    assert len(set(stamps)) == 4


def test_a_path_can_be_shown_anywhere() -> None:
    """Bytes that are no text become the sign for that."""
    assert printable(Path(os.fsdecode(b"/models/a\xff.gguf"))) == "/models/a�.gguf"
