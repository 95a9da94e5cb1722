"""What a build of the engine says of itself, and which of its parts an engine has chosen."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.supervisor.engine_build import ENDS_WITH_PARENT, EngineBuild, chosen

FOLDER = Path("/e")
PRESENT = ("libggml-base.so", "libggml-cpu-x64.so", "libggml-cpu-zen4.so", "libggml-rpc.so")


def mapped(*paths: str) -> str:
    anonymous = "7f00-7f01 rw-p 00000000 00:00 0 \n7f02-7f03 rw-p 00000000 00:00 0    [heap]\n"
    return anonymous + "".join(f"7f10-7f11 r-xp 00001000 fe:01 1234    {path}\n" for path in paths)


def test_what_a_process_has_mapped_is_what_it_chose() -> None:
    """One variant of each kind; what everything is linked to is no choice."""
    text = mapped("/e/libggml-base.so.0.25", "/e/libggml-rpc.so", "/e/libggml-cpu-zen4.so", "/e/libggml-cpu-zen4.so")
    assert chosen(text, FOLDER, PRESENT) == ("/e/libggml-cpu-zen4.so", "/e/libggml-rpc.so")


def test_a_kind_that_was_not_loaded_leaves_the_choice_open() -> None:
    """Its driver may be there next time."""
    text = mapped("/e/libggml-rpc.so", "/e/libggml-cpu-zen4.so")
    assert chosen(text, FOLDER, (*PRESENT, "libggml-vulkan.so")) == ()


def test_two_of_a_kind_leave_the_choice_open() -> None:
    """A variant that was only asked how well it suits may stay mapped; named first it would be taken, and be slower."""
    text = mapped("/e/libggml-rpc.so", "/e/libggml-cpu-x64.so", "/e/libggml-cpu-zen4.so")
    assert chosen(text, FOLDER, PRESENT) == ()


def test_only_files_of_this_engine_count() -> None:
    """Another engine's parts of the same name are not its own."""
    assert chosen(mapped("/other/libggml-rpc.so", "/e/libggml-cpu-zen4.so"), FOLDER, PRESENT) == ()


def test_a_folder_that_cannot_stand_in_a_list_is_not_listed() -> None:
    """The colon stands between two files."""
    folder = Path("/e:1")
    assert chosen(mapped("/e:1/libggml-rpc.so", "/e:1/libggml-cpu-zen4.so"), folder, PRESENT) == ()


def test_a_process_that_is_gone_teaches_nothing(tmp_path: Path) -> None:
    """The next engine is looked at instead."""
    build = EngineBuild(tmp_path)
    build.learn(2**22 + 1)
    assert build.parts == ()


def test_what_was_learned_is_kept(tmp_path: Path) -> None:
    """Later engines chose by it: they are not asked again."""
    build = EngineBuild(tmp_path)
    build.parts = ("/e/libggml-rpc.so",)
    build.learn(os.getpid())
    assert build.parts == ("/e/libggml-rpc.so",)


@pytest.mark.parametrize(
    ("manifest", "features"),
    [
        ('{"features": ["ends-with-parent"]}', {ENDS_WITH_PARENT}),
        ('{"key": "cpu-1"}', set()),
        ('{"features": "ends-with-parent"}', set()),
        ("[]", set()),
        ("{", set()),
        (None, set()),
    ],
)
def test_only_what_an_engine_says_itself_is_counted_on(
    tmp_path: Path, manifest: str | None, features: set[str]
) -> None:
    """An engine of somebody else is treated as one that can do nothing special."""
    if manifest is not None:
        (tmp_path / "engine.json").write_text(manifest)
    build = EngineBuild(tmp_path)
    build.read()
    assert build.features == features
