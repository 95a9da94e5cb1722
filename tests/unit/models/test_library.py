"""The models of a box, from files on disk: one scanner and all that it may meet, so one file."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import pytest

from appliance.models.gguf_header import read_header
from appliance.models.gguf_types import TENSOR_TYPES
from appliance.models.keepers import Keeper
from appliance.models.library import Scanner, examine
from appliance.models.types import Ability, BrokenFile, Library, Model
from appliance.models.weights import weigh
from tests.stores import lm_studio
from tests.unit.models.gguf_files import BUNDLED, MODELS, split_metadata, write_gguf

CHAT = frozenset({Ability.CHAT, Ability.COMPLETION})
COMPLETION = frozenset({Ability.COMPLETION})
PARAMETERS = 4 * 8 + 2 * 3 * 8
CUT_SHORT = "While it is still being copied, just wait: it is taken as soon as it is whole."


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    folder.mkdir()
    return folder


@pytest.fixture
def bundled(tmp_path: Path) -> Path:
    folder = tmp_path / "bundled"
    folder.mkdir()
    return folder


@pytest.fixture
def scanner(models: Path, bundled: Path) -> Scanner:
    return Scanner(models, bundled)


def small_model(path: Path, **changes: object) -> Model:
    """What `write_gguf` makes, as the library should show it."""
    known = {
        "id": path.stem,
        "path": str(path),
        "size": path.stat().st_size,
        "architecture": "llama",
        "context_length": 2048,
        "abilities": COMPLETION,
        "parameters": PARAMETERS,
        "quantisation": "F16",
    }
    return Model(**(known | changes))  # type: ignore[arg-type]


def write_split(folder: Path, stem: str = "big-Q4_K_M", count: int = 3) -> list[Path]:
    """A model in several files, of which only the first says what it is, as the splitting tool writes them."""
    paths = [folder / f"{stem}-{n:05d}-of-{count:05d}.gguf" for n in range(1, count + 1)]
    for number, path in enumerate(paths, 1):
        architecture = "llama" if number == 1 else None
        write_gguf(path, split_metadata(number, count), architecture=architecture)
    return paths


def test_finds_the_trained_models() -> None:
    """Of the real files those that are models are listed with what they can do; bundled ones are marked."""
    library = Scanner(MODELS, BUNDLED).scan()
    assert {m.id: (m.architecture, m.quantisation, m.bundled) for m in library.models} == {
        "mesh-tiny-dense-F16": ("qwen3", "F16", False),
        "mesh-tiny-dense-Q8_0": ("qwen3", "Q8_0", True),
        "mesh-tiny-draft-F16": ("qwen3", "F16", False),
        "mesh-tiny-draft-Q8_0": ("qwen3", "Q8_0", False),
        "mesh-tiny-moe-Q8_0": ("qwen3moe", "Q8_0", False),
        "mesh-tiny-second-Q8_0": ("llama", "Q8_0", False),
    }
    assert {m.context_length for m in library.models} == {1024}
    assert {m.abilities for m in library.models} == {CHAT}
    assert library.broken == ()


def test_shows_everything_about_a_model(scanner: Scanner, models: Path) -> None:
    """Every field of a model comes from its file."""
    path = write_gguf(models / "small-F16.gguf", {"tokenizer.chat_template": "t", "general.file_type": 1})
    assert scanner.scan() == Library(models=(small_model(path, abilities=CHAT),))


def test_an_empty_folder_holds_nothing(scanner: Scanner) -> None:
    """No files is no trouble."""
    assert scanner.scan() == Library()


def test_a_missing_folder_leaves_the_bundled_models(scanner: Scanner, models: Path, bundled: Path) -> None:
    """The reason is told beside what can still be served."""
    path = write_gguf(bundled / "b.gguf")
    models.rmdir()
    assert scanner.scan() == Library(
        models=(small_model(path, bundled=True),), unreadable=f"{models}: It is not there."
    )


def test_a_missing_bundled_folder_is_told(scanner: Scanner, bundled: Path) -> None:
    """An image without its self-test model is broken, and says so."""
    bundled.rmdir()
    assert scanner.scan() == Library(broken=(BrokenFile("bundled", str(bundled), f"{bundled}: It is not there."),))


def test_projectors_and_the_like_are_no_models(scanner: Scanner, models: Path) -> None:
    """They are neither listed nor called broken."""
    write_gguf(models / "mmproj.gguf", {"general.type": "mmproj"}, architecture="clip", context=None)
    write_gguf(models / "matrix.gguf", {"general.type": "imatrix"}, architecture=None)
    assert scanner.scan() == Library()


@pytest.mark.parametrize("kept", [0, 3, 20, 60, 200])
def test_a_file_cut_within_its_header_is_broken(scanner: Scanner, models: Path, kept: int) -> None:
    """Even its first bytes suffice to say what happened."""
    path = write_gguf(models / "cut.gguf")
    os.truncate(path, kept)
    reason = f"It is cut short: only {kept} bytes are there, and not even its header is whole. {CUT_SHORT}"
    assert scanner.scan() == Library(broken=(BrokenFile("cut", str(path), reason),))


def test_a_file_cut_within_its_data_is_broken(scanner: Scanner, models: Path) -> None:
    """Size and what it should be are told in numbers."""
    path = shutil.copy(BUNDLED / "mesh-tiny-dense-Q8_0.gguf", models)
    os.truncate(path, 3_769_247)
    reason = f"It is cut short: 3,769,247 of 3,769,248 bytes are there. {CUT_SHORT}"
    assert scanner.scan().broken == (BrokenFile("mesh-tiny-dense-Q8_0", str(path), reason),)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK\x03\x04", "It is not a GGUF file."),
        (bytes(4096), "It is not a GGUF file."),
        (
            b"GGUF\x00\x00\x00\x03" + bytes(16),
            "It is a big-endian GGUF file; the engine reads little-endian ones only.",
        ),
        (b"GGUF\x03\x00\x00\x00" + bytes(16), "It holds no weights, only a header."),
    ],
)
def test_other_content_is_broken_with_its_reason(scanner: Scanner, models: Path, data: bytes, reason: str) -> None:
    """What the reader says becomes a sentence."""
    (models / "bad.gguf").write_bytes(data)
    assert scanner.scan().broken == (BrokenFile("bad", str(models / "bad.gguf"), reason),)


def test_a_file_that_cannot_be_read_is_broken() -> None:
    """An error of the disk is a reason, not an exception."""
    assert examine(Path("/proc/self/mem")) == "It cannot be read: Input/output error."


def test_a_file_that_went_away_is_broken(tmp_path: Path) -> None:
    """It may vanish between looking and reading."""
    assert examine(tmp_path / "gone.gguf") == "It is not there."


def test_a_long_header_is_read_on(scanner: Scanner, models: Path) -> None:
    """A vocabulary beyond the first read is followed to its end."""
    tokens = [f"token {n}" for n in range(100_000)]
    path = write_gguf(models / "wide.gguf", {"tokenizer.ggml.tokens": tokens})
    assert scanner.scan() == Library(models=(small_model(path),))


def test_files_of_one_model_are_one(scanner: Scanner, models: Path) -> None:
    """The first file stands for all; sizes and parameters add up."""
    paths = write_split(models)
    size = sum(p.stat().st_size for p in paths)
    assert scanner.scan() == Library(
        models=(small_model(paths[0], id="big-Q4_K_M", size=size, parameters=3 * PARAMETERS),)
    )


def test_the_first_of_several_files_may_hold_no_weights(scanner: Scanner, models: Path) -> None:
    """The splitting tool can be told to write the metadata alone there."""
    paths = write_split(models, count=2)
    write_gguf(paths[0], split_metadata(1, 2), tensors={})
    assert [m.parameters for m in scanner.scan().models] == [PARAMETERS]


@pytest.mark.parametrize(
    ("gone", "reason"),
    [
        ([2], "1 of its 3 files is missing: big-Q4_K_M-00002-of-00003.gguf."),
        ([1], "1 of its 3 files is missing: big-Q4_K_M-00001-of-00003.gguf."),
        ([1, 3], "2 of its 3 files are missing: big-Q4_K_M-00001-of-00003.gguf, big-Q4_K_M-00003-of-00003.gguf."),
    ],
)
def test_missing_files_are_named(scanner: Scanner, models: Path, gone: list[int], reason: str) -> None:
    """A model is served whole or not at all."""
    paths = write_split(models)
    for number in gone:
        paths[number - 1].unlink()
    first = next(p for p in paths if p.exists())
    assert scanner.scan() == Library(broken=(BrokenFile("big-Q4_K_M", str(first), reason),))


def test_many_missing_files_are_not_all_named(scanner: Scanner, models: Path) -> None:
    """The sentence stays short."""
    for path in write_split(models, "b", 9)[1:]:
        path.unlink()
    assert scanner.scan().broken[0].reason == (
        "8 of its 9 files are missing: b-00002-of-00009.gguf, b-00003-of-00009.gguf, b-00004-of-00009.gguf and others."
    )


def test_a_damaged_later_file_breaks_the_model(scanner: Scanner, models: Path) -> None:
    """The damaged one is named."""
    paths = write_split(models)
    os.truncate(paths[1], 10)
    library = scanner.scan()
    assert library.models == ()
    assert [(b.id, b.path) for b in library.broken] == [("big-Q4_K_M", str(paths[1]))]


def test_a_renamed_part_is_not_taken_for_a_model(scanner: Scanner, models: Path) -> None:
    """The header says that there is more."""
    path = write_split(models, count=2)[0].rename(models / "renamed.gguf")
    (models / "big-Q4_K_M-00002-of-00002.gguf").unlink()
    reason = "Its header says that the model has 2 files, its name says 1. Give it back its first name."
    assert scanner.scan() == Library(broken=(BrokenFile("renamed", str(path), reason),))


def test_swapped_files_are_noticed(scanner: Scanner, models: Path) -> None:
    """The engine would refuse them after minutes of loading."""
    first, second = write_split(models, count=2)
    aside = first.rename(models / "aside")
    second.rename(first)
    aside.rename(second)
    reason = "Its files have been renamed: their headers say another order than their names."
    assert scanner.scan() == Library(broken=(BrokenFile("big-Q4_K_M", str(first), reason),))


def test_files_in_different_folders_do_not_complete_each_other(scanner: Scanner, models: Path) -> None:
    """The engine looks for them side by side."""
    (models / "sub").mkdir()
    paths = write_split(models, count=2)
    paths[1].rename(models / "sub" / paths[1].name)
    assert [b.id for b in scanner.scan().broken] == ["big-Q4_K_M", str(models / "sub" / paths[1].name)]


def test_an_own_file_comes_before_a_bundled_one(scanner: Scanner, models: Path, bundled: Path) -> None:
    """Whoever puts a model of that name into the folder means it."""
    (models / "deep").mkdir()
    path = write_gguf(models / "deep" / "same.gguf")
    write_gguf(bundled / "same.gguf")
    assert scanner.scan() == Library(models=(small_model(path),))


def test_of_two_files_of_one_name_the_nearest_is_taken(
    scanner: Scanner, models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Nearest, then first by path; the other one is told of once."""
    for name in ("b/deep/same.gguf", "c/same.gguf", "d/same.gguf"):
        (models / name).parent.mkdir(parents=True)
        write_gguf(models / name)
    with caplog.at_level(logging.WARNING, "meshbox.models"):
        first, second = scanner.scan(), scanner.scan()
    assert [m.path for m in first.models] == [str(models / "c/same.gguf")]
    assert second == first
    assert [record.args for record in caplog.records] == [
        (str(models / "d/same.gguf"), str(models / "c/same.gguf")),
        (str(models / "b/deep/same.gguf"), str(models / "c/same.gguf")),
    ]


def test_one_file_under_two_names_is_one_model(
    scanner: Scanner, models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Whether by a link or by a second name on the disk; both names find it, and nobody is warned."""
    path = write_gguf(models / "a.gguf")
    (models / "deep").mkdir()
    (models / "deep" / "b.gguf").hardlink_to(path)
    (models / "deep" / "c.gguf").symlink_to(path)
    library = scanner.scan()
    assert library == Library(models=(small_model(path, also=("b", "c")),))
    assert [library.named(name) for name in ("a", "b", "C.gguf", "d")] == [*library.models * 3, None]
    assert caplog.records == []


def test_files_of_lm_studio_are_known_as_such(scanner: Scanner, models: Path) -> None:
    """With the projector beside them; what the owner has under the same name comes first."""
    names = ("mesh-tiny-second-Q8_0.gguf", "mmproj-mesh-tiny-second-F16.gguf")
    home = lm_studio(models / "lmstudio", "mesh/tiny", *(MODELS / name for name in names))
    (model,) = scanner.scan().models
    assert (model.path, model.projector, model.keeper) == (
        str(home / names[0]),
        str(home / names[1]),
        Keeper.LM_STUDIO,
    )
    own = write_gguf(models / names[0])
    assert [m.path for m in scanner.scan().models] == [str(own)]


def test_a_further_name_never_hides_a_model(scanner: Scanner, models: Path) -> None:
    """What a model is called itself comes first."""
    write_gguf(models / "a.gguf")
    (models / "b-Q8_0.gguf").hardlink_to(models / "a.gguf")
    other = write_gguf(models / "b.gguf", {"general.name": "other"})
    found = scanner.scan().named("b")
    assert found is not None
    assert found.path == str(other)


def test_broken_files_of_one_name_are_told_apart(scanner: Scanner, models: Path) -> None:
    """Each trouble has an id of its own."""
    for name in ("a/same.gguf", "b/same.gguf"):
        (models / name).parent.mkdir()
        (models / name).write_bytes(b"no model")
    assert [b.id for b in scanner.scan().broken] == ["same", str(models / "b/same.gguf")]


def test_a_line_break_in_a_name_is_no_line_break_in_the_id(scanner: Scanner, models: Path) -> None:
    """The file can be served under a clean name."""
    path = write_gguf(models / "two\nlines\x1b[31m.gguf")
    assert scanner.scan() == Library(models=(small_model(path, id="two_lines_[31m"),))


def test_the_longest_name_is_served(scanner: Scanner, models: Path) -> None:
    """Names as long as the file system takes them are ids."""
    path = write_gguf(models / ("x" * 250 + ".gguf"))
    assert scanner.scan() == Library(models=(small_model(path),))


def test_a_name_that_is_no_text_is_broken(scanner: Scanner, models: Path) -> None:
    """It could not be written into any answer."""
    path = models / "plain.gguf"
    write_gguf(path)
    path.rename(os.fsdecode(os.fsencode(models) + b"/a\xff.gguf"))
    assert scanner.scan() == Library(
        broken=(
            BrokenFile(
                "a�",
                f"{models}/a�.gguf",
                "Its name or the name of its folder is not valid text (UTF-8). Give it another name.",
            ),
        )
    )


def test_what_stands_in_the_way_is_told(scanner: Scanner, models: Path) -> None:
    """Dead links are listed among the broken files."""
    (models / "dead.gguf").symlink_to("nowhere")
    reason = "It is a link to a file that is not there."
    assert scanner.scan() == Library(broken=(BrokenFile("dead", str(models / "dead.gguf"), reason),))


def test_an_unchanged_file_is_not_read_again(scanner: Scanner, models: Path) -> None:
    """As long as size, time and inode stay, the file is not even opened."""
    path = write_gguf(models / "a.gguf")
    first, info = scanner.scan(), path.stat()
    path.write_bytes(bytes(info.st_size))
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns))
    assert scanner.scan() == first
    os.utime(path, ns=(info.st_atime_ns, info.st_mtime_ns + 1))
    assert scanner.scan().models == ()


def test_a_file_is_taken_once_it_is_whole(scanner: Scanner, models: Path, tmp_path: Path) -> None:
    """Copying may take as long as it takes."""
    data = write_gguf(tmp_path / "whole").read_bytes()
    path = models / "a.gguf"
    path.write_bytes(data[:-1])
    assert scanner.scan().models == ()
    path.write_bytes(data)
    assert scanner.scan() == Library(models=(small_model(path),))


def test_a_deleted_file_is_gone(scanner: Scanner, models: Path) -> None:
    """Nothing is remembered of it."""
    path = write_gguf(models / "a.gguf")
    scanner.scan()
    path.unlink()
    assert scanner.scan() == Library()


def test_relative_folders_give_absolute_paths(models: Path, bundled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine started elsewhere still finds the file."""
    path = write_gguf(models / "a.gguf")
    monkeypatch.chdir(models.parent)
    assert Scanner(Path("models"), bundled).scan().models[0].path == str(path)


def test_weights_that_the_engine_cannot_read_are_told(scanner: Scanner, models: Path) -> None:
    """A type that was withdrawn is refused before an engine starts."""
    assert 31 not in TENSOR_TYPES
    path = write_gguf(models / "old.gguf")
    data = path.read_bytes()
    row = b"token_embd.weight" + bytes([2, 0, 0, 0, 8, *[0] * 7, 4, *[0] * 7])
    assert row in data
    path.write_bytes(data.replace(row + bytes(4), row + bytes([31, 0, 0, 0])))
    reason = "Its weights are stored in a way that the engine does not know (type 31)."
    assert scanner.scan().broken == (BrokenFile("old", str(path), reason),)


def test_the_profile_of_a_model_covers_all_its_files(scanner: Scanner, models: Path) -> None:
    """Weights are those of every part."""
    first, *_ = write_split(models)
    profile = scanner.scan().models[0].profile
    assert profile is not None
    assert profile.weights.total == 3 * weigh(read_header(first.read_bytes())).total
    assert profile.parameters == 3 * PARAMETERS
