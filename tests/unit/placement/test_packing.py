"""Layers laid out over devices."""

from __future__ import annotations

import pytest

from appliance.placement.needs import Wish, needs
from appliance.placement.packing import Place, lay_out
from appliance.placement.room import GIB, PROCESSOR
from tests.blueprints import PUBLISHED
from tests.unit.placement.values import box, gpu, published

WISH = Wish(8192)


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_on_one_device_lies_exactly_what_the_model_takes(name: str) -> None:
    """No byte is lost or counted twice."""
    model = published(name)
    layout = lay_out(model, WISH, box(), Place.PROCESSOR)
    assert layout.total == needs(model, WISH.context, WISH.slots).total
    assert [placed.size for placed in layout.placed] == [layout.total]


@pytest.mark.parametrize("name", ["Llama-3.1-8B", "Mixtral-8x7B", "GLM-4.5-Air"])
def test_beside_a_gpu_only_the_embedding_lies_in_memory(name: str) -> None:
    """Where it is looked up row by row."""
    model = published(name)
    layout = lay_out(model, WISH, box(gpu(total=512)), Place.GPU)
    sizes = {placed.device.id: placed.size for placed in layout.placed}
    assert sizes[PROCESSOR] == model.weights.embedding
    assert sum(sizes.values()) == needs(model, WISH.context, WISH.slots).total


def test_no_device_gets_more_than_it_has_room_for() -> None:
    """Its room to compute in included."""
    node = box(gpu(0, total=12), gpu(1, total=6), gpu(2, total=4))
    for place in (Place.GPU, Place.MIXED):
        layout = lay_out(published("Qwen3-30B-A3B"), WISH, node, place)
        assert all(placed.size <= placed.device.room for placed in layout.placed)


def test_a_gpu_without_room_for_a_layer_is_passed_over() -> None:
    """The next one may be larger."""
    node = box(gpu(0, total=1), gpu(1, total=24))
    layout = lay_out(published("Llama-3.1-8B"), WISH, node, Place.GPU)
    assert (layout.fits, [p.device.id for p in layout.placed]) == (True, ["pci:1", PROCESSOR])


def test_every_weight_that_takes_part_is_read() -> None:
    """All of a dense model but its embedding, which is looked up."""
    model = published("Llama-3.1-8B")
    (placed,) = lay_out(model, WISH, box(), Place.PROCESSOR).placed
    assert placed.read == model.weights.total - model.weights.embedding
    assert placed.read > 7 * GIB
