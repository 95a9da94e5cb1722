"""Accelerators in detail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.hardware.types import Gpu
from appliance.node.decide import decide
from appliance.node.failure import Failure
from appliance.node.snapshot import ChildState, Snapshot
from appliance.run_loop import Outlook
from tests.builders import INVENTORY, make_child, make_model, make_snapshot, with_child
from webui.views.gpus import gpus_view
from webui.views.words import Meter

GIB = 1 << 30


def outlook(snapshot: Snapshot) -> Outlook:
    return Outlook(1, snapshot, decide(snapshot, 0.0))


def test_an_accelerator_shows_what_is_known_of_it_and_no_more() -> None:
    """Readings that a driver does not give are left out, not invented."""
    known = Gpu("uuid:1", "Card", "nvidia", 8 * GIB, 2 * GIB, driver="570", utilisation=0.5, temperature=61, power=120)
    bare = Gpu("index:0", "Other", "amd", None, pinnable=False, reason="Its id may change.")
    view = gpus_view(outlook(make_snapshot(inventory=replace(INVENTORY, gpus=(known, bare)))))
    assert view is not None
    first, second = view.gpus
    assert first.use == Meter("Use", "50 %", 50)
    assert dict(first.facts) == {"Vendor": "NVIDIA", "Driver": "570", "Temperature": "61 °C", "Power": "120 W"}
    assert (second.use, second.memory.text, second.pinnable, second.note) == (
        None,
        "not known",
        False,
        "Its id may change.",
    )


@pytest.mark.parametrize(
    ("state", "tone"), [(ChildState.READY, "good"), (ChildState.STARTING, "busy"), (ChildState.FAILED, "bad")]
)
def test_the_self_test_says_how_it_went(state: ChildState, tone: str) -> None:
    """Right, running, or failed with the reason."""
    snapshot = make_snapshot(models=(make_model(bundled=True),))
    failure = Failure("wrong_answer", "It said 8.") if state is ChildState.FAILED else None
    child = make_child(snapshot, state=state, answer_ms=12.0, failure=failure)
    view = gpus_view(outlook(with_child(snapshot, child)))
    assert view is not None
    assert view.proof is not None
    assert view.proof.tone == tone


def test_hardware_that_is_not_known_yet_is_not_shown_as_missing() -> None:
    """The first second of a box."""
    assert gpus_view(outlook(make_snapshot(inventory=None))) is None
