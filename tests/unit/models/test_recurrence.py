"""Which layers keep a state. Their sizes are tested with the cache they are a part of."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.models.facts import Facts
from appliance.models.gguf_header import read_header
from appliance.models.recurrence import recurrent_layers
from tests.unit.models.gguf_files import gguf_bytes


@pytest.mark.parametrize(
    ("architecture", "entries", "keeping", "expected"),
    [
        ("llama", {}, (1, 1), (False, False)),
        ("llama", {}, (0, 0), (False, False)),
        ("mamba", {}, (0, 0), (True, True)),
        ("falcon-h1", {}, (1, 1), (True, True)),
        ("jamba", {}, (0, 1, 0), (True, False, True)),
        ("nemotron_h", {"feed_forward_length": [0, 8, 0]}, (0, 0, 1), (True, False, False)),
        ("qwen3next", {}, (1,) * 5, (True, True, True, False, True)),
        ("qwen3next", {"full_attention_interval": 2}, (1,) * 4, (True, False, True, False)),
        ("qwen35", {"attention.recurrent_layers": [False, True]}, (1, 1), (False, True)),
    ],
)
def test_each_architecture_tells_it_in_its_own_way(
    architecture: str, entries: dict[str, Any], keeping: tuple[int, ...], expected: tuple[bool, ...]
) -> None:
    """By its kind, its heads, a rule or a list."""
    metadata = {f"{architecture}.{name}": value for name, value in entries.items()}
    facts = Facts(read_header(gguf_bytes(metadata, architecture=architecture)), architecture)
    assert recurrent_layers(facts, architecture, keeping) == expected
