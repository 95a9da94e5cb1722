"""A tiny model whose last layer only predicts ahead: for trying that way of drafting. It says one token for ever."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import gguf
import numpy as np

from tests.blueprints import add_keys, glm4moe
from tests.tools.random_model import add_tokenizer
from tests.unit.models.gguf_files import BUNDLED

SIZES = {"X": 4, "M": 32, "L": 3, "E": 64, "H": 4, "G": 2, "K": 64, "F": 128}
CONTEXT = 1024
SAID = 300


def make_ahead_model(path: Path) -> Path:
    source = gguf.GGUFReader(BUNDLED / "mesh-tiny-dense-Q8_0.gguf")
    vocabulary = len(source.fields["tokenizer.ggml.tokens"].data)
    plan = replace(glm4moe(used=2, **SIZES, V=vocabulary), context=CONTEXT)
    writer = gguf.GGUFWriter(path, plan.architecture)
    add_keys(writer, plan)
    add_tokenizer(writer, source)
    for name, shape in plan.tensors.items():
        writer.add_tensor(name, _weights(name, tuple(reversed(shape))))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _weights(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Every token looks alike, nothing is done to it between the layers, and what comes out is one token."""
    weights = np.zeros(shape, np.float32)
    if "norm" in name or name == "token_embd.weight":
        weights[...] = 1.0
    elif name == "output.weight":
        weights[SAID] = 1.0
    elif name.endswith("nextn.eh_proj.weight"):
        weights[...] = 1.0 / shape[-1]
    return weights
