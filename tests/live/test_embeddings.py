"""A model that embeds: found by its header, probed by a real vector, asked through the official client."""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

from appliance.models.gguf_header import read_header
from tests.live.box import ROOT, Box

pytestmark = pytest.mark.live

SOURCE = ROOT / "appliance" / "models" / "bundled" / "mesh-tiny-dense-Q8_0.gguf"
MODEL = "tiny-embedder-Q8_0"
MEAN_POOLING = 1


def write_embedder(target: Path) -> None:
    """The bundled model with one entry more in its header: that its outputs are to be pooled."""
    data = SOURCE.read_bytes()
    key = b"qwen3.pooling_type"
    entry = struct.pack("<Q", len(key)) + key + struct.pack("<II", 4, MEAN_POOLING)
    header = read_header(data)
    tensors = data[header.data_start :]
    count = struct.unpack_from("<Q", data, 16)[0]
    head = data[:16] + struct.pack("<Q", count + 1) + entry + data[24 : header.data_start]
    # what followed the tensor table was padding; it is made anew
    end = len(head.rstrip(b"\0")) + 8
    padded = end + -end % header.alignment
    target.write_bytes(head[:end].ljust(padded, b"\0") + tensors)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Box]:
    folder = tmp_path_factory.mktemp("box")
    (folder / "models").mkdir()
    write_embedder(folder / "models" / f"{MODEL}.gguf")
    with Box(folder, MESHBOX_SETTINGS=json.dumps({"serving": {"models": [MODEL]}})) as one:
        one.wait_ready(MODEL)
        yield one


def test_embeddings_are_vectors_that_mean_something(box: Box) -> None:
    """The same text gives the same direction, another text another one."""
    with openai.OpenAI(base_url=box.api_url + "/v1", api_key="none") as client:
        answer = client.embeddings.create(model=MODEL, input=["A cat.", "A cat.", "The capital of France is Paris."])
    first, same, other = (item.embedding for item in answer.data)

    def likeness(a: list[float], b: list[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True)) / math.hypot(*a) / math.hypot(*b)

    assert likeness(first, same) == pytest.approx(1.0, abs=1e-3)
    assert likeness(first, other) < 0.999
