"""Which projector belongs to which model."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from appliance.models.gguf_header import read_header
from appliance.models.library import Scanner
from appliance.models.projectors import Projector, Seer, paired, read_projector
from appliance.models.types import Ability, Capability, Claim, Level, Model, Profile
from tests.unit.models.gguf_files import MODELS

SECOND = MODELS / "mesh-tiny-second-Q8_0.gguf"
EYES = MODELS / "mmproj-mesh-tiny-second-F16.gguf"
SEES = (Claim(Capability.VISION, Level.SURE, "the projector beside it"),)
MAYBE = (Claim(Capability.VISION, Level.LIKELY, "its family"),)
WRITES = frozenset({Ability.CHAT, Ability.COMPLETION})


def model(path: str, width: int = 192, abilities: frozenset[Ability] = WRITES, *, waits: bool = False) -> Model:
    profile = Profile("llama", 1024, abilities, width=width, claims=MAYBE if waits else ())
    return Model(Path(path).stem, path, 1000, "llama", 1024, abilities, profile=profile)


def projector(path: str, width: int = 192, *, certain: bool = False) -> Projector:
    return Projector(path, Seer(SEES, width, certain))


def chosen(models: list[Model], *projectors: Projector) -> list[str | None]:
    return [found.projector for found in paired(models, projectors)]


def test_a_header_says_what_a_projector_adds() -> None:
    """Eyes, and how wide they see, read off its weights."""
    seer = read_projector(read_header(EYES.read_bytes()))
    assert seer is not None
    assert (seer.width, seer.certain, seer.claims) == (192, True, SEES)
    assert read_projector(read_header(SECOND.read_bytes())) is None


@pytest.mark.parametrize(
    ("file", "eyes"),
    [
        ("a/Seer-7B-Q4_K_M.gguf", "a/mmproj-Seer-7B-F16.gguf"),
        ("a/Seer-7B-Q4_K_M.gguf", "a/Seer-7B-mmproj-f16.gguf"),
        ("a/Seer-7B-Q4_K_M.gguf", "a/Seer-7B.mmproj-Q8_0.gguf"),
        ("a/Seer-7B-Q4_K_M-00001-of-00002.gguf", "a/mmproj-seer-7b-BF16.gguf"),
    ],
)
def test_names_pair_them(file: str, eyes: str) -> None:
    """Whatever lies beside them, however the projector is marked."""
    other = model("a/Other-7B-Q8_0.gguf")
    assert chosen([model(file), other], projector(eyes)) == [eyes, None]


def test_only_the_same_folder_counts() -> None:
    """Repositories have folders of their own."""
    assert chosen([model("a/Seer-Q8_0.gguf")], projector("b/mmproj-Seer-F16.gguf")) == [None]


def test_a_name_that_says_nothing_pairs_within_a_folder_of_one_model() -> None:
    """As the repositories of the hub have it, with several forms of the model."""
    models = [model("a/Seer-Q8_0.gguf"), model("a/Seer-Q4_K_M.gguf")]
    assert chosen(models, projector("a/mmproj-F16.gguf", 0)) == ["a/mmproj-F16.gguf"] * 2
    assert chosen(models, projector("a/mmproj-model-f16.gguf", 0)) == ["a/mmproj-model-f16.gguf"] * 2


def test_among_many_models_the_width_decides_and_who_waits_for_one() -> None:
    """A model of the same width that never saw is not given eyes."""
    models = [
        model("Seer-Q8_0.gguf", waits=True),
        model("Blind-Q8_0.gguf"),
        model("Wide-Q8_0.gguf", 4096, waits=True),
    ]
    assert chosen(models, projector("mmproj-F16.gguf")) == ["mmproj-F16.gguf", None, None]


def test_what_the_engine_would_refuse_is_not_paired() -> None:
    """A width that was read off the weights and is another one than the model's."""
    assert chosen([model("Seer-Q8_0.gguf")], projector("mmproj-Seer-F16.gguf", 64, certain=True)) == [None]


def test_embedding_models_get_none() -> None:
    """They are run in another way."""
    embedder = model("Seer-Q8_0.gguf", abilities=frozenset({Ability.EMBEDDING}))
    assert chosen([embedder], projector("mmproj-Seer-F16.gguf")) == [None]


def test_of_several_the_usual_form_is_taken() -> None:
    """16 bits before fewer and before more."""
    several = [projector(f"mmproj-Seer-{quant}.gguf") for quant in ("F32", "Q8_0", "BF16", "F16")]
    assert chosen([model("Seer-Q8_0.gguf")], *several) == ["mmproj-Seer-F16.gguf"]


def test_the_library_pairs_what_lies_together(tmp_path: Path) -> None:
    """A scan gives the model its eyes, for sure; when they are gone it is blind again."""
    for file in (SECOND, EYES):
        shutil.copyfile(file, tmp_path / file.name)
    scanner = Scanner(tmp_path, tmp_path / "none")
    found = scanner.scan().models[0]
    assert found.projector == str(tmp_path / EYES.name)
    assert found.profile is not None
    assert found.profile.level(Capability.VISION) is Level.SURE
    assert found.profile.weights.total > found.size  # it takes memory too
    assert scanner.scan().models[0] == found
    (tmp_path / EYES.name).unlink()
    assert scanner.scan().models[0].projector is None
