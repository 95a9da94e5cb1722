"""Models in a cache of the Hugging Face tools, as the library shows them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from appliance.models.hf_cache import GONE
from appliance.models.inside import LEADS_OUT
from appliance.models.keepers import Keeper
from appliance.models.library import Scanner
from appliance.models.types import Library
from tests.stores import HuggingFaceCache, OllamaStore, without_links
from tests.unit.models.gguf_files import MODELS, gguf_bytes, split_metadata

SMALL, OTHER = gguf_bytes(), gguf_bytes({"general.name": "other"})
OLD, NEW = "0" * 40, "1" * 40
REPO = "org/Small-GGUF"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def cache(models: Path) -> HuggingFaceCache:
    return HuggingFaceCache(models / "huggingface" / "hub")


def scan(models: Path) -> Library:
    return Scanner(models, models).scan()


def paths(models: Path) -> dict[str, str]:
    library = scan(models)
    assert library.broken == ()
    return {model.id: model.path for model in library.models}


def test_a_file_of_the_cache_is_called_like_its_link(models: Path, cache: HuggingFaceCache) -> None:
    """Its blob has no name; the engine is given the link, beside which further files are found."""
    snapshot = cache.add(REPO, {"small-Q8_0.gguf": SMALL, "README.md": b"#"})
    (model,) = scan(models).models
    assert (model.id, model.path, model.keeper) == (
        "small-Q8_0",
        str(snapshot / "small-Q8_0.gguf"),
        Keeper.HUGGING_FACE,
    )


def test_a_model_in_several_files_of_a_folder(models: Path, cache: HuggingFaceCache) -> None:
    """As large repositories keep them."""
    parts = {
        f"Q4_K_M/big-0000{n}-of-00002.gguf": gguf_bytes(split_metadata(n, 2), architecture="llama" if n == 1 else None)
        for n in (1, 2)
    }
    snapshot = cache.add(REPO, parts)
    assert paths(models) == {"big": str(snapshot / "Q4_K_M" / "big-00001-of-00002.gguf")}


def test_a_projector_of_the_snapshot_belongs_to_its_model(models: Path, cache: HuggingFaceCache) -> None:
    """They lie side by side there."""
    names = ("mesh-tiny-second-Q8_0.gguf", "mmproj-mesh-tiny-second-F16.gguf")
    snapshot = cache.add(REPO, {name: MODELS / name for name in names})
    assert [m.projector for m in scan(models).models] == [str(snapshot / names[1])]


def test_main_says_which_revision_counts(
    models: Path, cache: HuggingFaceCache, caplog: pytest.LogCaptureFixture
) -> None:
    """What another one has under the same name was before, and nobody is told of it."""
    main = cache.add(REPO, {"a.gguf": SMALL}, revision=OLD)
    cache.add(REPO, {"a.gguf": OTHER}, revision=NEW, ref=None)
    assert paths(models) == {"a": str(main / "a.gguf")}
    assert caplog.records == []


def test_what_only_another_revision_has_is_taken(models: Path, cache: HuggingFaceCache) -> None:
    """Every revision holds only what was asked of it."""
    other = cache.add(REPO, {"a.gguf": SMALL, "b.gguf": OTHER}, revision=OLD, ref=None)
    main = cache.add(REPO, {"a.gguf": SMALL}, revision=NEW)
    assert paths(models) == {"a": str(main / "a.gguf"), "b": str(other / "b.gguf")}


def test_without_a_word_on_main_the_youngest_counts(models: Path, cache: HuggingFaceCache) -> None:
    """A revision may have been fetched by its number."""
    young = cache.add(REPO, {"a.gguf": SMALL}, revision=OLD, ref=None)
    aged = cache.add(REPO, {"a.gguf": OTHER}, revision=NEW, ref=None)
    os.utime(aged, (1, 1))
    assert paths(models) == {"a": str(young / "a.gguf")}


@pytest.mark.parametrize("ref", [b"../../x", b"", b"\xff", b"x" * 10_000, b"/etc"])
def test_a_senseless_word_on_main_is_none(models: Path, cache: HuggingFaceCache, ref: bytes) -> None:
    """It names a folder beside it or nothing."""
    snapshot = cache.add(REPO, {"a.gguf": SMALL})
    (cache.repository(REPO) / "refs" / "main").write_bytes(ref)
    assert paths(models) == {"a": str(snapshot / "a.gguf")}


def test_a_cache_without_links_holds_the_files_themselves(models: Path, cache: HuggingFaceCache) -> None:
    """As on Windows; two revisions of one repository are two files there."""
    main = cache.add(REPO, {"a.gguf": SMALL}, revision=OLD)
    without_links(main)
    without_links(cache.add(REPO, {"a.gguf": SMALL}, revision=NEW, ref=None))
    assert paths(models) == {"a": str(main / "a.gguf")}


def test_a_file_on_its_way_is_waited_for(models: Path, cache: HuggingFaceCache) -> None:
    """The tools are still fetching it."""
    snapshot = cache.add(REPO, {"a.gguf": SMALL})
    blob = (snapshot / "a.gguf").resolve()
    blob.rename(f"{blob}.incomplete")
    assert scan(models) == Library()


def test_a_lost_file_is_told(models: Path, cache: HuggingFaceCache) -> None:
    """Perhaps only the snapshots were mounted."""
    snapshot = cache.add(REPO, {"a.gguf": SMALL})
    (snapshot / "a.gguf").resolve().unlink()
    assert [(f.id, f.reason, f.keeper) for f in scan(models).broken] == [("a", GONE, Keeper.HUGGING_FACE)]


def test_a_lost_file_of_before_is_not(models: Path, cache: HuggingFaceCache) -> None:
    """As long as main has it whole."""
    cache.add(REPO, {"a.gguf": SMALL}, revision=OLD)
    (cache.add(REPO, {"a.gguf": OTHER}, revision=NEW, ref=None) / "a.gguf").resolve().unlink()
    assert list(paths(models)) == ["a"]


def test_links_that_lead_out_are_left_alone(models: Path, cache: HuggingFaceCache, tmp_path: Path) -> None:
    """Also those in a circle; links to folders are not followed."""
    snapshot = cache.add(REPO, {"a.gguf": SMALL})
    (tmp_path / "secret").write_bytes(OTHER)
    (snapshot / "out.gguf").symlink_to(tmp_path / "secret")
    (snapshot / "up").symlink_to(tmp_path)
    (snapshot / "around").symlink_to(snapshot)
    (snapshot / "circle.gguf").symlink_to("circle.gguf")
    library = scan(models)
    assert [m.id for m in library.models] == ["a"]
    assert {f.id: f.reason for f in library.broken} == {
        "circle": "It cannot be read: Too many levels of symbolic links.",
        "out": LEADS_OUT,
    }


def test_the_same_file_in_two_programs_is_one_model(models: Path, cache: HuggingFaceCache) -> None:
    """Both call it by its checksum; both names find it."""
    snapshot = cache.add(REPO, {"a.gguf": SMALL})
    OllamaStore(models / "ollama").add("hf.co/org/Small-GGUF", model=SMALL)
    library = scan(models)
    (model,) = library.models
    assert (model.id, model.path) == ("a", str(snapshot / "a.gguf"))
    assert "hf.co/org/Small-GGUF" in model.also


def test_a_link_of_the_owner_to_a_file_of_the_cache_is_one_model(models: Path, cache: HuggingFaceCache) -> None:
    """The name he gave it is its id."""
    snapshot = cache.add(REPO, {"a.gguf": SMALL})
    (models / "mine.gguf").symlink_to(snapshot / "a.gguf")
    (model,) = scan(models).models
    assert (model.id, model.also, model.keeper) == ("mine", ("a",), Keeper.OWNER)


def test_one_repository_may_be_mounted_alone(tmp_path: Path) -> None:
    """The folder of a repository is known by its own build."""
    cache = HuggingFaceCache(tmp_path)
    snapshot = cache.add(REPO, {"a.gguf": SMALL})
    assert paths(cache.repository(REPO)) == {"a": str(snapshot / "a.gguf")}


def test_files_beside_the_cache_are_the_owners(models: Path, cache: HuggingFaceCache) -> None:
    """Only what has its build belongs to the tools."""
    cache.add(REPO, {"a.gguf": SMALL})
    (cache.folder / "own.gguf").write_bytes(OTHER)
    assert {m.id: m.keeper for m in scan(models).models} == {"a": Keeper.HUGGING_FACE, "own": Keeper.OWNER}
