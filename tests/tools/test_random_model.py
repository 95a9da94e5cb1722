"""Random models are whole: our reader and the reference library take them, and they are as large as was asked."""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import pytest

from appliance.models.gguf_header import read_header
from appliance.models.profile import make_profile
from appliance.models.types import Ability
from tests.tools.random_model import make_random_model

SIZE = 40 << 20


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_random_model(tmp_path_factory.mktemp("models") / "random.gguf", SIZE)


def test_it_is_a_whole_model_of_about_the_size(model: Path) -> None:
    """One layer is the finest step."""
    header = read_header(model.read_bytes())
    assert header.file_size == model.stat().st_size
    assert 0.5 < header.file_size / SIZE < 1.5


def test_it_can_chat(model: Path) -> None:
    """It has the bundled model's tokenizer and chat template."""
    profile = make_profile(read_header(model.read_bytes()))
    assert Ability.CHAT in profile.abilities
    assert profile.chat_template


def test_its_weights_are_numbers(model: Path) -> None:
    """None is infinite, and they are not all the same."""
    tensor = next(t for t in gguf.GGUFReader(model).tensors if t.name == "blk.0.ffn_up.weight")
    weights = gguf.quants.dequantize(tensor.data, tensor.tensor_type)
    assert np.isfinite(weights).all()
    assert weights.std() == pytest.approx(1 / np.sqrt(2048), rel=0.1)


def test_what_is_there_is_not_made_again(model: Path) -> None:
    """A bench finds it in no time."""
    before = model.stat().st_mtime_ns
    assert make_random_model(model, SIZE).stat().st_mtime_ns == before
