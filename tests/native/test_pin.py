"""The pin is read strictly, and the key says exactly when the engine must be built again."""

from __future__ import annotations

from pathlib import Path

import pytest

from native.pin import Pin, preset_variables, read_features, read_pin, read_series
from tests.native.builders import key_of, make_native, make_patch, make_pin, set_variable

LOCK = """package = "engine-package"
version = "1.0"
sha256 = "{sha256}"
vendored = "vendor/llama.cpp"
commit = "abc1234"
commit_date = "2026-01-01"
build_number = 1
"""
GOOD_LOCK = LOCK.format(sha256="0" * 64)


@pytest.fixture
def native(tmp_path: Path) -> Path:
    return make_native(tmp_path / "native")


def written(folder: Path, text: str) -> Path:
    lock = folder / "llama.cpp.lock"
    lock.write_text(text)
    return lock


def test_a_pin_is_read(tmp_path: Path) -> None:
    """Every field of the file is there, with its type."""
    assert read_pin(written(tmp_path, GOOD_LOCK)) == Pin(
        "engine-package", "1.0", "0" * 64, "vendor/llama.cpp", "abc1234", "2026-01-01", 1
    )


def test_the_requirement_carries_the_hash() -> None:
    """Pip itself refuses another file under the same name."""
    assert make_pin(sha256="a" * 64).requirement == f"engine-package==1.0 --hash=sha256:{'a' * 64}"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (GOOD_LOCK.replace("commit =", "commmit ="), "commit, commmit"),
        (GOOD_LOCK.replace("build_number = 1", 'build_number = "1"'), "build_number"),
        (GOOD_LOCK.replace('version = "1.0"\n', ""), "version"),
        (LOCK.format(sha256="0" * 63), "sha256"),
        (LOCK.format(sha256="G" * 64), "sha256"),
        ("package = ", "not TOML"),
    ],
)
def test_a_bad_pin_is_named(tmp_path: Path, text: str, named: str) -> None:
    """A slip in the file ends with the field to look at, not with a traceback."""
    with pytest.raises(SystemExit, match=named):
        read_pin(written(tmp_path, text))


def test_the_series_keeps_its_order(tmp_path: Path) -> None:
    """Patches apply in the order of the file; comments and blank lines do not count."""
    second, first = make_patch(tmp_path, "b.patch"), make_patch(tmp_path, "a.patch")
    (tmp_path / "series").write_text("# why\n\nb.patch\n a.patch \n")
    assert read_series(tmp_path) == [second, first]


def test_a_patch_that_is_not_there_is_named(tmp_path: Path) -> None:
    """A series and its folder that disagree are told apart at once."""
    (tmp_path / "series").write_text("gone.patch\n")
    with pytest.raises(SystemExit, match=r"gone\.patch"):
        read_series(tmp_path)


def test_what_the_box_may_count_on_stands_in_the_headers_of_patches(tmp_path: Path) -> None:
    """In one order, whatever that of the patches; words of the change itself are no header."""
    (tmp_path / "1.patch").write_text("Subject: one\nFeature: sings\n\n--- a/x\n+++ b/x\n+Feature: hides\n")
    (tmp_path / "2.patch").write_text("Subject: two\nFeature: dances\n\n--- a/x\n")
    assert read_features([tmp_path / "1.patch", tmp_path / "2.patch"]) == ["dances", "sings"]


def test_a_preset_has_what_it_inherits(native: Path) -> None:
    """A flavour's own variables stand beside those of its base."""
    assert preset_variables("cpu", native / "CMakePresets.json") == {"GGML_RPC": "ON", "GGML_CPU_ALL_VARIANTS": "ON"}


@pytest.mark.parametrize("name", ["base", "metal"])
def test_an_unknown_or_hidden_preset_is_refused(native: Path, name: str) -> None:
    """The message lists what there is."""
    with pytest.raises(SystemExit, match="there are: cpu, cuda"):
        preset_variables(name, native / "CMakePresets.json")


def test_the_same_ingredients_give_the_same_key(native: Path, tmp_path: Path) -> None:
    """Neither the place of the checkout nor the time counts."""
    assert key_of(native) == key_of(make_native(tmp_path / "elsewhere"))


@pytest.mark.parametrize("change", [{"version": "1.1"}, {"sha256": "1" * 64}])
def test_another_pin_gives_another_key(native: Path, change: dict[str, str]) -> None:
    """A moved pin builds anew."""
    assert key_of(native) != key_of(native, pin=make_pin(**change))


def test_a_patch_gives_another_key(native: Path, tmp_path: Path) -> None:
    """So does a patch that is added, and one that is changed."""
    one = make_patch(tmp_path / "one")
    other = make_patch(tmp_path / "other", change="--- a/x\n+++ b/x\n")
    assert len({key_of(native), key_of(native, patches=(one,)), key_of(native, patches=(other,))}) == 3


def test_the_order_of_patches_counts(native: Path, tmp_path: Path) -> None:
    """The same patches in another order are another source."""
    one, other = make_patch(tmp_path, "one.patch"), make_patch(tmp_path, "other.patch")
    assert key_of(native, patches=(one, other)) != key_of(native, patches=(other, one))


def test_our_own_code_gives_another_key(native: Path) -> None:
    """A file in src/ that is added, changed or renamed builds anew."""
    keys = [key_of(native)]
    (native / "src" / "one.cpp").write_text("int one;")
    keys.append(key_of(native))
    (native / "src" / "one.cpp").write_text("int two;")
    keys.append(key_of(native))
    (native / "src" / "one.cpp").rename(native / "src" / "two.cpp")
    assert len({*keys, key_of(native)}) == 4


def test_the_build_file_gives_another_key(native: Path) -> None:
    """CMakeLists.txt is part of the engine."""
    before = key_of(native)
    with (native / "CMakeLists.txt").open("a") as file:
        file.write("# changed\n")
    assert key_of(native) != before


@pytest.mark.parametrize("preset", ["cpu", "base"])
def test_a_changed_preset_gives_another_key(native: Path, preset: str) -> None:
    """Its own variables count, and those it inherits."""
    before = key_of(native)
    set_variable(native, preset, "GGML_NEW", "ON")
    assert key_of(native) != before


def test_another_flavours_preset_does_not_count(native: Path) -> None:
    """Work on one flavour never rebuilds the others."""
    before = key_of(native)
    set_variable(native, "cuda", "GGML_NEW", "ON")
    assert key_of(native) == before


def test_the_environment_of_a_preset_counts(native: Path) -> None:
    """A compiler named there makes another engine."""
    before = key_of(native)
    presets = native / "CMakePresets.json"
    presets.write_text(presets.read_text().replace('"inherits"', '"environment": {"CXX": "clang++"}, "inherits"', 1))
    assert key_of(native) != before
