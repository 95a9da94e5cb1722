"""Where the bytes of a model lie."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from appliance.models.gguf_header import read_header
from appliance.models.weights import Weights, weigh
from tests.unit.models.gguf_files import REAL_FILES, gguf_bytes


def weighed(**tensors: Any) -> Weights:
    named = {name.replace("__", "."): data for name, data in tensors.items()}
    return weigh(read_header(gguf_bytes(tensors=named)))


def row(elements: int, rows: int = 1) -> Any:
    return np.zeros((rows, elements), np.float16)


def test_layers_experts_and_what_is_around_them() -> None:
    """Each byte counts once."""
    found = weighed(
        token_embd__weight=row(8, 10),
        per_layer_token_embd__weight=row(4, 10),
        output__weight=row(8, 10),
        output_norm__weight=row(8),
        blk__0__ffn_down__weight=row(16, 8),
        blk__1__ffn_gate_exps__weight=row(8, 12),
        blk__1__ffn_down_exps__weight=row(6, 8),
        blk__1__attn_q__weight=row(8, 8),
    )
    assert found == Weights((256, 128), (0, 288), 160, 80, 160, 16, inner=16, expert_inner=6, gated=True)
    assert found.total == 256 + 128 + 288 + 160 + 80 + 160 + 16


@pytest.mark.parametrize(("up", "gated"), [(16, False), (32, True)])
def test_a_network_is_gated_when_it_is_twice_as_wide_as_what_it_gives_back(up: int, gated: bool) -> None:
    """Also where both halves lie in one tensor."""
    assert weighed(blk__0__ffn_up__weight=row(8, up), blk__0__ffn_down__weight=row(16, 8)).gated is gated


def test_layers_of_absurd_numbers_are_no_layers() -> None:
    """They are counted all the same."""
    found = weighed(blk__9999__x=row(4), blk__512__x=row(4), blk__99999__x=row(4))
    assert found == Weights(other=24)


def test_files_of_one_model_add_up() -> None:
    """In any order, whichever layers each holds."""
    one, two = Weights((1, 2), (0, 5), embedding=3, inner=7), Weights((0, 1, 4), (0, 0, 9), output=2, gated=True)
    both = Weights((1, 3, 4), (0, 5, 9), embedding=3, output=2, inner=7, gated=True)
    assert one + two == two + one == both
    assert Weights() + one == one


@pytest.mark.parametrize("path", REAL_FILES, ids=lambda path: str(path.stem))
def test_nothing_of_a_real_file_is_lost(path: Any) -> None:
    """All its tensors and no more."""
    header = read_header(path.read_bytes())
    assert weigh(header).total == sum(tensor.size or 0 for tensor in header.tensors)
