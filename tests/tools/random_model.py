"""Models of any size with random weights, made in seconds: whole and valid, so that they load and answer (nonsense).

`python -m tests.tools.random_model path.gguf [--gib 1]`. The shape is that of a small llama, its tokenizer and chat
template are those of the bundled model, its weights are Q8_0.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import gguf
import numpy as np

from tests.unit.models.gguf_files import BUNDLED

GIB = 1 << 30
WIDTH, INNER, HEADS, KV_HEADS = 2048, 5632, 32, 4
CONTEXT = 4096
BLOCK, BLOCK_SIZE = 32, 34  # of Q8_0
TILE = 1 << 16  # blocks that differ; what follows repeats them
SCALE = np.float16(3e-4)  # keeps what flows between layers near one

Shape = tuple[int, int]  # rows, and elements of a row


def make_random_model(path: Path, size: int = GIB) -> Path:
    """Of about `size` bytes; one that lies there already is taken as it is."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f"{path.name}.{os.getpid()}.part")
        _write(unfinished, max(1, round(size / _bytes_of(_layer(0)))))
        unfinished.replace(path)
    return path


def _write(path: Path, layers: int) -> None:
    tokenizer = gguf.GGUFReader(BUNDLED / "mesh-tiny-dense-Q8_0.gguf")
    writer = gguf.GGUFWriter(path, "llama")
    _add_sizes(writer, layers)
    add_tokenizer(writer, tokenizer)
    vocabulary = len(tokenizer.fields["tokenizer.ggml.tokens"].data)
    tile = _tile()
    for name, shape in _matrices(layers, vocabulary):
        writer.add_tensor(name, _weights(tile, shape), raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    for name in _norms(layers):
        writer.add_tensor(name, np.ones(WIDTH, np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_sizes(writer: gguf.GGUFWriter, layers: int) -> None:
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_rope_dimension_count(WIDTH // HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_Q8_0)


def add_tokenizer(writer: gguf.GGUFWriter, source: gguf.GGUFReader) -> None:
    for key, field in source.fields.items():
        if key.startswith("tokenizer."):
            items = field.types[1] if field.types[0] is gguf.GGUFValueType.ARRAY else None
            writer.add_key_value(key, field.contents(), field.types[0], items)


def _layer(number: int) -> dict[str, Shape]:
    kept = WIDTH // HEADS * KV_HEADS
    shapes = {"attn_q": (WIDTH, WIDTH), "attn_k": (kept, WIDTH), "attn_v": (kept, WIDTH), "attn_output": (WIDTH, WIDTH)}
    shapes |= {"ffn_gate": (INNER, WIDTH), "ffn_up": (INNER, WIDTH), "ffn_down": (WIDTH, INNER)}
    return {f"blk.{number}.{name}.weight": shape for name, shape in shapes.items()}


def _matrices(layers: int, vocabulary: int) -> Iterator[tuple[str, Shape]]:
    yield "token_embd.weight", (vocabulary, WIDTH)
    yield "output.weight", (vocabulary, WIDTH)
    for number in range(layers):
        yield from _layer(number).items()


def _norms(layers: int) -> Iterator[str]:
    yield "output_norm.weight"
    for number in range(layers):
        yield f"blk.{number}.attn_norm.weight"
        yield f"blk.{number}.ffn_norm.weight"


def _bytes_of(shapes: dict[str, Shape]) -> int:
    return sum(rows * row // BLOCK * BLOCK_SIZE for rows, row in shapes.values())


def _tile() -> np.ndarray:
    chance = np.random.default_rng(1)
    tile = np.empty((TILE, BLOCK_SIZE), np.uint8)
    tile[:, :2] = np.frombuffer(SCALE.tobytes(), np.uint8)
    tile[:, 2:] = chance.integers(0, 256, (TILE, BLOCK), np.uint8)
    return tile


def _weights(tile: np.ndarray, shape: Shape) -> np.ndarray:
    rows, row = shape
    blocks = np.resize(tile, (rows * row // BLOCK, BLOCK_SIZE))
    return blocks.reshape(rows, row // BLOCK * BLOCK_SIZE)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.random_model", description="Makes a random model.")
    parser.add_argument("path", type=Path)
    parser.add_argument("--gib", type=float, default=1.0)
    options = parser.parse_args()
    path = make_random_model(options.path, int(options.gib * GIB))
    print(f"{path}: {path.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
