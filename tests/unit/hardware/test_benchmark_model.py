"""Made-up models, read back with the reference reader."""

from __future__ import annotations

import os
from math import prod
from pathlib import Path

import gguf
import numpy as np
import pytest

from appliance.hardware.benchmark import BLOCKS, Shape, size_of
from appliance.hardware.benchmark_model import model_in_memory, pieces

SMALL = Shape(256, 512, 2)


@pytest.mark.parametrize("kind", list(BLOCKS))
def test_the_file_is_what_the_reference_reader_expects(kind: str, tmp_path: Path) -> None:
    """Every tensor in its place, with its shape and its kind."""
    path = tmp_path / "model.gguf"
    path.write_bytes(b"".join(pieces(SMALL, kind)))
    tensors = {tensor.name: tensor for tensor in gguf.GGUFReader(path).tensors}
    assert tensors.keys() == {name for name, _ in SMALL.tensors}
    for name, shape in SMALL.tensors:
        own = "f32" if len(shape) == 1 else kind
        assert tuple(int(n) for n in tensors[name].shape) == shape
        assert tensors[name].tensor_type.name == own.upper()
        assert tensors[name].n_bytes == size_of(prod(shape), own)


@pytest.mark.parametrize("kind", list(BLOCKS))
def test_weights_are_small_and_not_all_the_same(kind: str, tmp_path: Path) -> None:
    """No infinity that would stop the arithmetic, and no zeros that some hardware is quicker with."""
    path = tmp_path / "model.gguf"
    path.write_bytes(b"".join(pieces(SMALL, kind)))
    tensor = next(t for t in gguf.GGUFReader(path).tensors if t.name == "blk.0.ffn_up.weight")
    values = np.asarray(gguf.quants.dequantize(tensor.data, tensor.tensor_type), np.float64)
    assert np.isfinite(values).all()
    assert 0 < np.abs(values).max() < 0.1
    assert values.std() > 0


def test_elements_are_those_of_the_matrices_of_the_layers() -> None:
    """What a token goes through, its output aside."""
    matrices = [shape for name, shape in SMALL.tensors if name.startswith("blk.") and len(shape) == 2]
    assert SMALL.elements == sum(prod(shape) for shape in matrices)


def test_it_lies_in_memory_and_goes_with_its_descriptor() -> None:
    """No file is left anywhere."""
    with model_in_memory(SMALL, "f16") as descriptor:
        path = Path(f"/proc/self/fd/{descriptor}")
        assert path.read_bytes()[:4] == b"GGUF"
        assert "memfd" in os.readlink(path)  # noqa: PTH115 - the target is no path
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
