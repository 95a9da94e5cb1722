"""A box whose models folder holds what Ollama, the Hugging Face tools and LM Studio keep: it serves all of it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.box import ROOT, SELF_TEST_MODEL, Box, request
from tests.stores import HuggingFaceCache, OllamaStore, lm_studio

pytestmark = pytest.mark.live

FIXTURES = ROOT / "tests" / "fixtures" / "models"
DENSE, SECOND, MOE = (FIXTURES / f"mesh-tiny-{name}.gguf" for name in ("dense-F16", "second-Q8_0", "moe-Q8_0"))
EYES = FIXTURES / "mmproj-mesh-tiny-second-F16.gguf"
OF_OLLAMA, OF_CACHE, OF_STUDIO = "tiny:dense", "mesh-tiny-moe-Q8_0", "mesh-tiny-second-Q8_0"


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("box") / "models"
    store = OllamaStore(folder / "ollama")
    for name in (OF_OLLAMA, "tiny"):
        store.add(name, model=DENSE, template=b"{{ .Prompt }}")
    HuggingFaceCache(folder / "huggingface").add("mesh/tiny-moe-GGUF", {MOE.name: MOE})
    lm_studio(folder / "lmstudio", "mesh/tiny-second-GGUF", SECOND, EYES)
    return folder


@pytest.fixture(scope="module")
def before(kept: Path) -> dict[str, int]:
    return times(kept)


@pytest.fixture(scope="module")
def box(kept: Path, before: dict[str, int]) -> Iterator[Box]:
    wanted = {"serving": {"models": [OF_OLLAMA, OF_CACHE, OF_STUDIO]}}
    with Box(kept.parent, MESHBOX_SETTINGS=json.dumps(wanted)) as one:
        for model in (OF_OLLAMA, OF_CACHE, OF_STUDIO):
            one.wait_ready(model, 60)
        yield one


def times(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): path.lstat().st_mtime_ns for path in folder.rglob("*")}


@pytest.mark.parametrize("model", [OF_OLLAMA, "tiny", "tiny:latest", OF_CACHE, OF_STUDIO])
def test_each_of_them_answers(box: Box, model: str) -> None:
    """Under every name that its own program knows it by."""
    assert box.chat("What is 3 + 4?", model)


def test_clients_find_them_in_the_list(box: Box) -> None:
    """One entry a model, under its id."""
    listed = [entry["id"] for entry in request("GET", f"{box.api_url}/v1/models").json["data"]]
    assert {OF_OLLAMA, OF_CACHE, OF_STUDIO} <= set(listed)
    assert "tiny" not in listed
    assert request("GET", f"{box.api_url}/v1/models/{OF_OLLAMA}").json["id"] == OF_OLLAMA


def test_everybody_sees_whose_they_are(box: Box) -> None:
    """In the library, with the names each is found by and when it was last used."""
    models = {model["id"]: model for model in box.manage("GET", "/api/models").json["models"]}
    assert {name: model["origin"] for name, model in models.items()} == {
        OF_OLLAMA: "ollama",
        OF_CACHE: "hugging_face",
        OF_STUDIO: "lm_studio",
        SELF_TEST_MODEL: "bundled",
    }
    assert models[OF_OLLAMA]["also"] == ["tiny", "tiny:latest"]
    assert all(models[name]["last_used"] for name in (OF_OLLAMA, OF_CACHE, OF_STUDIO))


@pytest.mark.parametrize(
    ("model", "whose"), [(OF_OLLAMA, "Ollama"), (OF_CACHE, "Hugging Face"), (OF_STUDIO, "LM Studio")]
)
def test_none_of_them_can_be_removed(box: Box, model: str, whose: str) -> None:
    """The answer says whose it is."""
    answer = box.manage("DELETE", f"/api/models/{model}")
    assert (answer.status, answer.json["code"]) == (409, "not_managed")
    assert whose in answer.json["detail"]


def test_a_clean_up_passes_them_by(box: Box) -> None:
    """However long nobody used them."""
    asked = {"unused_since": "2099-01-01T00:00:00Z", "confirm": True}
    answer = box.manage("POST", "/api/models/cleanup", asked).json
    assert (answer["removed"], answer["models"]) == (True, [])


def test_nothing_is_written_where_they_lie(box: Box, kept: Path, before: dict[str, int]) -> None:
    """The folders may be mounted read-only."""
    now = times(kept)
    assert {name: now.get(name) for name in before} == before
    assert {name for name in now if name not in before} <= {".downloads"}
