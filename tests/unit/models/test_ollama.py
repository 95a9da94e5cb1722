"""Models in a folder of Ollama, as the library shows them."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from appliance.models.inside import LEADS_OUT
from appliance.models.keepers import Keeper
from appliance.models.library import Scanner
from appliance.models.ollama_manifest import ADAPTED, LARGEST, NOT_READABLE, SAFETENSORS
from appliance.models.types import BrokenFile, Library
from tests.stores import OllamaStore
from tests.unit.models.gguf_files import MODELS, gguf_bytes

SMALL = gguf_bytes()
OTHER = gguf_bytes({"general.name": "other"})
SECOND, EYES = MODELS / "mesh-tiny-second-Q8_0.gguf", MODELS / "mmproj-mesh-tiny-second-F16.gguf"


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


@pytest.fixture
def store(models: Path) -> OllamaStore:
    return OllamaStore(models / "ollama")


def scan(models: Path) -> Library:
    return Scanner(models, models).scan()


def broken(models: Path) -> list[tuple[str, str]]:
    library = scan(models)
    assert library.models == ()
    return [(file.id, file.reason) for file in library.broken]


def test_a_model_of_ollama_is_found_under_its_name(models: Path, store: OllamaStore) -> None:
    """Its file has no ending and a name that says nothing."""
    blob = store.add("llama3.2:3b", model=SMALL, template=b"{{ .Prompt }}", license=b"MIT")
    (model,) = scan(models).models
    assert (model.id, model.path, model.keeper) == ("llama3.2:3b", str(blob), Keeper.OLLAMA)


@pytest.mark.parametrize("asked", ["llama3.2", "llama3.2:latest", "llama3.2:3b", "LLAMA3.2:3B"])
def test_every_name_of_one_file_finds_it(models: Path, store: OllamaStore, asked: str) -> None:
    """Several tags on one file are one model; its id is the tag that says which it is."""
    for name in ("llama3.2", "llama3.2:3b", "llama3.2:3b-instruct"):
        store.add(name, model=SMALL)
    library = scan(models)
    (model,) = library.models
    assert (model.id, model.also) == ("llama3.2:3b", ("llama3.2:3b-instruct", "llama3.2", "llama3.2:latest"))
    assert library.named(asked) is model


def test_latest_alone_is_the_model_itself(models: Path, store: OllamaStore) -> None:
    """As programs ask for it."""
    store.add("llama3.2", model=SMALL)
    library = scan(models)
    assert [m.id for m in library.models] == ["llama3.2"]
    assert library.named("llama3.2:latest") is library.models[0]
    assert library.named("llama3.2:3b") is None


def test_a_model_from_elsewhere_is_found_by_its_whole_name(models: Path, store: OllamaStore) -> None:
    """Ids hold no slash."""
    store.add("hf.co/org/Model-GGUF:Q4_K_M", model=SMALL)
    library = scan(models)
    assert [m.id for m in library.models] == ["hf.co--org--Model-GGUF:Q4_K_M"]
    assert library.named("hf.co/org/Model-GGUF:Q4_K_M") is library.models[0]


def test_a_projector_belongs_to_its_model(models: Path, store: OllamaStore) -> None:
    """The list says so; names do not."""
    store.add("seeing", model=SECOND, projector=EYES)
    store.add("plain", model=SMALL)
    library = scan(models)
    seeing, plain = library.find("seeing"), library.find("plain")
    assert seeing is not None
    assert plain is not None
    assert (seeing.projector or "").endswith(store.layer("projector", EYES)["digest"].removeprefix("sha256:"))
    assert plain.projector is None


def test_a_projector_that_does_not_fit_is_left_out(models: Path, store: OllamaStore) -> None:
    """The model answers without eyes."""
    store.add("odd", model=MODELS / "mesh-tiny-draft-Q8_0.gguf", projector=EYES)
    store.add("odder", model=SMALL, projector=b"no projector")
    assert [(m.id, m.projector) for m in scan(models).models] == [("odd", None), ("odder", None)]


def test_the_name_with_a_projector_is_preferred(models: Path, store: OllamaStore) -> None:
    """Of two names for the same file."""
    store.add("a", model=SECOND)
    store.add("b", model=SECOND, projector=EYES)
    (model,) = scan(models).models
    assert (model.id, model.also) == ("b", ("b:latest", "a", "a:latest"))
    assert model.projector is not None


def test_what_the_engine_does_not_take_is_listed_with_its_reason(models: Path, store: OllamaStore) -> None:
    """Models with adapters and those of other formats; what runs in a cloud has nothing here."""
    store.add("adapted", model=SMALL, adapter=OTHER)
    store.add("apple", tensor=b"safetensors")
    store.write("cloud:120b-cloud", store.manifest([]))
    library = scan(models)
    assert [(f.id, f.reason, f.foreign) for f in library.broken] == [
        ("adapted", ADAPTED, True),
        ("apple", SAFETENSORS, True),
    ]


def test_words_and_pictures_in_one_file_are_told(models: Path, store: OllamaStore) -> None:
    """The engine refuses such a file after all of it was read."""
    tensors = {name: np.ones((4, 8), np.float32) for name in ("token_embd.weight", "v.blk.0.attn_k.weight")}
    store.add("gemma3:4b", model=gguf_bytes(tensors=tensors))
    ((name, reason),) = broken(models)
    assert (name, reason.partition(",")[0]) == ("gemma3:4b", "It holds words and pictures in one file")


def test_a_missing_file_is_told_with_what_helps(models: Path, store: OllamaStore) -> None:
    """The person gets the command."""
    store.add("me/gone:1b", model=SMALL).unlink()
    reason = "Ollama lists it, but its file is not there. Get it anew with: ollama pull me/gone:1b"
    assert broken(models) == [("me--gone:1b", reason)]


def test_one_damaged_file_is_told_once(models: Path, store: OllamaStore) -> None:
    """However many names it has."""
    blob = store.add("a", model=b"GGUF")
    store.add("a:1b", model=b"GGUF")
    assert [(f.id, f.path, f.keeper) for f in scan(models).broken] == [("a:1b", str(blob), Keeper.OLLAMA)]


@pytest.mark.parametrize("data", [b"", b"{", b"[" * LARGEST, b'{"x":"' + b"x" * LARGEST + b'"}'])
def test_an_entry_that_cannot_be_read_is_told(models: Path, store: OllamaStore, data: bytes) -> None:
    """Too long, too deep or torn."""
    path = store.write("torn", data)
    assert scan(models).broken == (BrokenFile("torn", str(path), NOT_READABLE, Keeper.OLLAMA),)


def test_links_are_followed_as_far_as_the_models_folder(models: Path, store: OllamaStore, tmp_path: Path) -> None:
    """A file elsewhere in it is as good; one outside is left alone."""
    inside, outside = store.add("inside", model=SMALL), store.add("outside", model=OTHER)
    for blob, target in ((inside, models / "kept"), (outside, tmp_path / "secret")):
        blob.rename(target)
        blob.symlink_to(target)
    library = scan(models)
    assert [m.id for m in library.models] == ["inside"]
    assert [(f.id, f.reason) for f in library.broken] == [("outside", LEADS_OUT)]


def test_files_that_are_none_end_nothing(models: Path, store: OllamaStore, tmp_path: Path) -> None:
    """Links in a circle, pipes, folders in place of files, links among the entries."""
    loop, pipe, folder = (store.add(name, model=name.encode()) for name in ("loop", "pipe", "folder"))
    for path in (loop, pipe, folder):
        path.unlink()
    loop.symlink_to(loop.name)
    os.mkfifo(pipe)
    folder.mkdir()
    store.path_of("linked").parent.mkdir()
    store.path_of("linked").symlink_to(store.path_of("loop"))
    store.path_of("deep").mkdir(parents=True)
    (store.folder / "manifests" / "around").symlink_to(store.folder / "manifests")
    os.mkfifo(store.folder / "manifests" / "pipe")
    assert [name for name, _ in broken(models)] == ["folder", "loop", "pipe"]


def test_an_unchanged_store_is_not_opened_again(
    models: Path, store: OllamaStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither its entries nor its files; a changed entry is read."""
    store.add("a", model=SMALL)
    scanner = Scanner(models, models)
    first, opened = scanner.scan(), list[object]()

    def noting(real: Callable[..., Any]) -> Callable[..., Any]:
        def noted(path: object, *arguments: Any, **options: Any) -> Any:
            opened.append(path)
            return real(path, *arguments, **options)

        return noted

    monkeypatch.setattr(Path, "open", noting(Path.open))
    monkeypatch.setattr(os, "open", noting(os.open))
    assert scanner.scan() == first
    assert opened == []
    store.add("b", model=OTHER)
    opened.clear()
    assert [m.id for m in scanner.scan().models] == ["a", "b"]
    assert store.path_of("b") in opened
    assert store.path_of("a") not in opened


def test_nothing_is_written_into_a_store(models: Path, store: OllamaStore) -> None:
    """It may be read-only, and it is not ours."""
    store.add("a", model=SECOND, projector=EYES)
    before = {path: path.stat().st_mtime_ns for path in models.rglob("*")}
    scan(models)
    assert {path: path.stat().st_mtime_ns for path in models.rglob("*")} == before


def test_the_owners_file_of_that_name_comes_first(models: Path, store: OllamaStore) -> None:
    """However deep it lies."""
    store.add("same", model=SMALL)
    own = models / "z" / "deep" / "same.gguf"
    own.parent.mkdir(parents=True)
    own.write_bytes(OTHER)
    assert [m.path for m in scan(models).models] == [str(own)]


def test_a_removed_model_is_gone(models: Path, store: OllamaStore) -> None:
    """As Ollama removes it."""
    blob = store.add("a", model=SMALL)
    scanner = Scanner(models, models)
    assert len(scanner.scan().models) == 1
    blob.unlink()
    store.path_of("a").unlink()
    assert scanner.scan() == Library()
