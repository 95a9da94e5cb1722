"""Writes GGUF files of every kind with the reference writer."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gguf
import numpy as np

MODELS = Path(__file__).parents[2] / "fixtures" / "models"
BUNDLED = Path(__file__).parents[3] / "appliance" / "models" / "bundled"
REAL_FILES = sorted([*MODELS.glob("*.gguf"), *BUNDLED.glob("*.gguf")])

TENSORS: Mapping[str, Any] = {
    "token_embd.weight": np.ones((4, 8), np.float32),
    "blk.0.ffn_up.weight": np.ones((2, 3, 8), np.float16),
}


def write_gguf(
    path: Path,
    metadata: Mapping[str, Any] | None = None,
    *,
    architecture: str | None = "llama",
    context: int | None = 2048,
    tensors: Mapping[str, Any] = TENSORS,
    big_endian: bool = False,
) -> Path:
    """A small whole file. Plain values of `metadata` get the type a converter would give them."""
    order = gguf.GGUFEndian.BIG if big_endian else gguf.GGUFEndian.LITTLE
    writer = gguf.GGUFWriter(path, architecture or "none", endianess=order)
    if architecture is None:
        del writer.kv_data[0]["general.architecture"]
    elif context is not None:
        writer.add_uint32(f"{architecture}.context_length", context)
    for key, value in (metadata or {}).items():
        _add(writer, key, value)
    for name, data in tensors.items():
        writer.add_tensor(name, data)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def gguf_bytes(metadata: Mapping[str, Any] | None = None, **options: Any) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return write_gguf(Path(folder) / "model.gguf", metadata, **options).read_bytes()


def _add(writer: gguf.GGUFWriter, key: str, value: Any) -> None:
    match value:
        case _ if key == "general.alignment":
            writer.add_custom_alignment(value)
        case bool():
            writer.add_bool(key, value)
        case int():
            writer.add_uint32(key, value)
        case float():
            writer.add_float64(key, value)
        case str():
            writer.add_key_value(key, value, gguf.GGUFValueType.STRING)  # add_string leaves empty ones out
        case _:
            writer.add_array(key, value)


def split_metadata(number: int, count: int) -> dict[str, int]:
    """What the splitting tool writes into each file; `number` counts from 1."""
    return {"split.no": number - 1, "split.count": count, "split.tensors.count": count * len(TENSORS)}
