"""The steps of the first set-up."""

from __future__ import annotations

from dataclasses import replace

from appliance.hardware.types import Gpu, Memory
from appliance.models.suggestions import SUGGESTIONS
from tests.builders import INVENTORY
from webui.views.setup import first_models, steps

GIB = 1 << 30


def test_one_may_go_back_but_not_ahead() -> None:
    """Earlier steps are links, the claim is done for good."""
    assert [(step.label, step.path, step.current) for step in steps("model")] == [
        ("Password", None, False),
        ("Name", "/setup/box", False),
        ("Hardware", "/setup/hardware", False),
        ("Model", None, True),
        ("Done", None, False),
    ]


def test_suggestions_follow_the_memory() -> None:
    """Larger boxes are offered larger models, and no box is offered what it cannot hold."""
    small = replace(INVENTORY, memory=Memory(4 * GIB, 2 * GIB))
    large = replace(INVENTORY, gpus=(Gpu("pci:0", "Big", "nvidia", 80 * GIB),))
    assert [m.title for m in first_models(small)] != [m.title for m in first_models(large)]
    assert first_models(large)[-1].title == SUGGESTIONS[-1].title
    assert len(first_models(replace(INVENTORY, memory=Memory(GIB, 0)))) == 1
    assert len(first_models(None)) == 1


def test_memory_that_is_shared_is_counted_once() -> None:
    """An accelerator in the machine's memory brings none of its own."""
    shared = replace(INVENTORY, gpus=(Gpu("pci:0", "Shared", "amd", 512 * GIB, unified_memory=True),))
    assert first_models(shared) == first_models(INVENTORY)
