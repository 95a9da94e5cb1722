"""Cards about GPUs: pins that cannot be kept, GPUs taken back, wrong answers."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.hardware.trials import PROCESSOR, SelfTest, Trial, marks
from appliance.node.decide import decide
from appliance.node.failure import Failure
from appliance.node.issues import pin_failed
from appliance.node.issues.types import Severity
from appliance.node.serving import ServingEntry, ServingState
from tests.builders import make_snapshot
from tests.gpu_boxes import ENGINE, listing, machine, nvidia

CARD = nvidia(0x65)
HERE = machine(CARD)


@pytest.mark.parametrize(
    ("code", "page"),
    [
        *((f"pin_{name}", "/models/a~b%2Fc") for name in ("missing", "not_pinnable", "nothing_pinnable")),
        *((f"pin_{name}", "/models/a~b%2Fc") for name in ("no_match", "ambiguous")),
        ("gpu_taken_back", "/gpus"),
        ("over_gpu_limit", "/gpus"),
    ],
)
def test_each_reason_has_its_advice_and_its_page(code: str, page: str) -> None:
    """And says that the model runs nowhere else; any name makes an address."""
    entry = ServingEntry("a~b/c", ServingState.FAILED, failure=Failure(code, "There is no such GPU."))
    (issue,) = pin_failed.check(make_snapshot(), (entry,), 0.0)
    assert issue.severity is Severity.ERROR
    assert issue.meaning == "There is no such GPU. It is not run anywhere else."
    assert issue.advice != "Choose another GPU for the model, or let the box choose."
    assert issue.place is not None
    assert issue.place.path == page


def test_other_failures_are_none_of_its_business() -> None:
    """They have cards of their own."""
    entry = ServingEntry("m", ServingState.FAILED, failure=Failure("load_failed", "x"))
    assert not list(pin_failed.check(make_snapshot(), (entry,), 0.0))


@pytest.mark.parametrize(("device", "title"), [(CARD.id, f"GPU {CARD.id} ({CARD.name})"), (PROCESSOR, "The processor")])
def test_a_device_that_was_wrong_is_named(device: str, title: str) -> None:
    """With what it said; other results make no card."""
    mark = marks(HERE, ENGINE)
    wrong = SelfTest(ok=False, at=0.0, code="wrong_answer", detail="It said 8.")
    right = SelfTest(ok=True, at=0.0, answer_ms=1.0)
    trials = {name: Trial(mark[name], wrong if name == device else right) for name in (CARD.id, PROCESSOR)}
    box = make_snapshot(wanted=(), inventory=HERE, engine_devices=listing(HERE), trials=trials)
    (issue,) = decide(box, 0.0).issues
    assert issue.title == f"{title} computes wrong answers"
    assert issue.details == ("It said 8.",)
    assert decide(replace(box, engine_devices=None), 0.0).issues == ()


def test_a_gpu_that_is_gone_has_a_card_until_it_is_back() -> None:
    """It names the GPU, and leads to the page."""
    gone = replace(machine(), gone=(CARD,))
    (issue,) = decide(make_snapshot(wanted=(), inventory=gone), 0.0).issues
    assert (issue.id, issue.severity) == (f"gpu_gone:{CARD.id}", Severity.WARNING)
    assert issue.title == f"GPU {CARD.id} ({CARD.name}) is gone"
    assert issue.place is not None
    assert issue.place.path == "/gpus"
    assert decide(make_snapshot(wanted=(), inventory=HERE), 0.0).issues == ()


def test_a_gpu_whose_driver_is_silent_has_a_card() -> None:
    """The others have none."""
    silent = replace(CARD, silent=True, pinnable=False, reason="The NVIDIA driver does not answer.")
    (issue,) = decide(make_snapshot(wanted=(), inventory=machine(silent, nvidia(0x81, 2))), 0.0).issues
    assert issue.id == f"gpu_silent:{CARD.id}"
    assert "does not answer" in issue.title
