"""What runs where, what was tried, and the limits, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from appliance.hardware.engine_layout import Lain
from appliance.hardware.trials import Benchmark, SelfTest, Trial, marks
from appliance.hardware.types import Cpu
from appliance.node.decide import decide
from appliance.node.snapshot import ChildState, Snapshot
from appliance.run_loop import Outlook
from appliance.settings.schema import HardwareSettings, ModelSettings, Settings
from tests.builders import MODEL_ID, make_child, make_model, make_snapshot, with_child
from tests.gpu_boxes import ENGINE, GIB, listing, machine, nvidia
from tests.unit.placement.values import published
from webui.views.device_trials import tried_view
from webui.views.gpu_limits import NoNumber, limit_rows, read_gib
from webui.views.gpu_pins import pin_choices, pinned
from webui.views.gpus import gpus_view
from webui.views.placed_models import placed_models

ONE, TWO = nvidia(0x41, 1, memory_total=32 * GIB), nvidia(0x65, 2, memory_total=16 * GIB)
HERE = machine(ONE, TWO)
PROFILE = published("Llama-3.1-8B")
MODEL = make_model(profile=PROFILE, size=PROFILE.weights.total, context_length=131072)


def box(listed: bool = True) -> Snapshot:
    names = (("CUDA0", ONE.name, None), ("CUDA1", TWO.name, None)) if listed else ()
    return make_snapshot(models=(MODEL,), inventory=HERE, engine_devices=listing(HERE, *names))


def models_on(device: str, running: Outlook) -> tuple[str, ...]:
    return placed_models(running).get(device, ())


def outlook(snapshot: Snapshot) -> Outlook:
    return Outlook(1, snapshot, decide(snapshot, 0.0))


def test_a_model_without_pins_is_where_it_finds_room() -> None:
    """Worked out as the engine does."""
    snapshot = box()
    running = outlook(with_child(snapshot, make_child(snapshot)))
    assert models_on(ONE.id, running) == (MODEL_ID,)
    assert models_on("cpu", running) == ()


def test_an_engine_that_can_use_no_gpu_runs_on_the_processor() -> None:
    """Whatever cards there are."""
    snapshot = box(listed=False)
    running = outlook(with_child(snapshot, make_child(snapshot)))
    assert (models_on(ONE.id, running), models_on("cpu", running)) == ((), (MODEL_ID,))


def test_a_model_that_is_held_says_so() -> None:
    """And one that does not run is nowhere."""
    snapshot = box()
    own = {"per_model": {MODEL_ID: ModelSettings(gpus=(TWO.id,))}}
    serving = snapshot.settings.serving.model_copy(update=own)
    snapshot = replace(snapshot, settings=snapshot.settings.model_copy(update={"serving": serving}))
    (entry,) = decide(snapshot, 0.0).serving
    assert entry.spec is not None
    held = make_child(snapshot, spec=entry.spec)
    assert models_on(TWO.id, outlook(with_child(snapshot, held))) == (f"{MODEL_ID} (pinned)",)
    fallen = replace(held, state=ChildState.FAILED)
    assert models_on(TWO.id, outlook(with_child(snapshot, fallen))) == ()


@pytest.mark.parametrize(
    ("test", "tone", "words"),
    [
        (None, "", "not tested yet"),
        (SelfTest(ok=True, at=0.0, answer_ms=0.2), "good", "computes right, 1 ms"),
        (SelfTest(ok=False, at=0.0, code="wrong_answer"), "bad", "computes wrong answers"),
        (SelfTest(ok=False, at=0.0, code="crashed"), "warn", "could not be tested"),
    ],
)
def test_a_test_is_told_in_a_few_words(test: SelfTest | None, tone: str, words: str) -> None:
    """With a colour that goes with them."""
    trial = {ONE.id: Trial(marks(HERE, ENGINE)[ONE.id], self_test=test)}
    found = tried_view(ONE.id, replace(box(), trials=trial))
    assert (found.tone, found.test) == (tone, words)


def test_figures_are_in_units_that_people_compare() -> None:
    """What could not be measured is left out."""
    bench = Benchmark(0.0, {"f16": 1.5e12, "q4_k": 1e12}, fp16_gflops=71_234.0, fp32_gflops=980.4)
    trial = {ONE.id: Trial(marks(HERE, ENGINE)[ONE.id], benchmark=bench)}
    assert tried_view(ONE.id, replace(box(), trials=trial)).figures == (
        ("Reads weights at", "1,500.0 GB/s"),
        ("Computes, 16 bits", "71.2 TFLOP/s"),
        ("Computes, 32 bits", "980 GFLOP/s"),
    )


def test_limits_are_shown_in_gib() -> None:
    """What was typed wrongly stays in its field."""
    settings = Settings(hardware=HardwareSettings(memory_caps={ONE.id: 7680, TWO.id: 0}))
    rows = limit_rows(replace(box(), settings=settings), {TWO.id: "much"}, "No number.")
    assert [(row.value, row.total, row.error, row.taken_back) for row in rows] == [
        ("7.5", "32", None, False),
        ("much", "16", "No number.", True),
        ("", "64", None, False),
    ]


def test_the_machines_memory_has_a_limit_too() -> None:
    """It cannot be taken back: the box itself runs in it."""
    settings = Settings(hardware=HardwareSettings(machine_memory_mib=12_288))
    row = limit_rows(replace(box(), settings=settings), {}, "")[-1]
    assert (row.id, row.value, row.can_be_taken) == ("cpu", "12", False)
    view = gpus_view(outlook(replace(box(), settings=settings)))
    assert view is not None
    assert view.processor.limit == "Models take at most 12.0 GiB of it, all together."


def test_before_the_hardware_is_known_there_is_nothing_to_limit() -> None:
    """The page says that it looks."""
    assert limit_rows(replace(box(), inventory=None), {}, "") == ()


@pytest.mark.parametrize(("text", "device", "mib"), [("0", ONE.id, 0), ("0.1", "cpu", 102), ("", "cpu", None)])
def test_an_amount_is_read(text: str, device: str, mib: int | None) -> None:
    """In GiB; nothing is no limit."""
    assert read_gib(text, device) == mib


@pytest.mark.parametrize(("text", "device", "least"), [("0", "cpu", "0.1"), ("x", "cpu", "0.1"), ("-1", ONE.id, "0")])
def test_what_would_be_right_is_said(text: str, device: str, least: str) -> None:
    """The least is another one for the machine's memory."""
    with pytest.raises(NoNumber, match=f"Write a number of GiB, {least} or more"):
        read_gib(text, device)


def test_the_engines_own_word_says_where_a_model_lies() -> None:
    """With how much it takes there; what was worked out does not count then."""
    snapshot = box()
    said = (Lain("CUDA1", 5000, 5632), Lain("", 500, 512))
    listed = listing(HERE, ("CUDA0", ONE.name, ONE), ("CUDA1", TWO.name, TWO))
    snapshot = replace(snapshot, engine_devices=listed)
    running = outlook(with_child(snapshot, make_child(snapshot, laid_out=said)))
    assert models_on(TWO.id, running) == (f"{MODEL_ID} (5.5 GiB)",)
    assert models_on(ONE.id, running) == models_on("cpu", running) == ()


def test_what_only_the_engine_tells_of_is_shown_and_cannot_be_pinned() -> None:
    """Neither is it offered for a limit."""
    snapshot = box()
    listed = listing(HERE, ("CUDA0", ONE.name, ONE), ("Vulkan0", "Mali-G715", None))
    view = gpus_view(outlook(replace(snapshot, engine_devices=listed)))
    assert view is not None
    assert [(gpu.id, gpu.name, gpu.pinnable) for gpu in view.gpus[2:]] == [("Vulkan0", "Mali-G715", False)]
    assert view.gpus[2].note is not None
    assert "after a restart" in view.gpus[2].note


def test_gpus_that_are_gone_or_silent_stay_in_sight() -> None:
    """Each with an id of its own in the page."""
    silent = replace(TWO, silent=True, pinnable=False, reason="The NVIDIA driver does not answer.")
    view = gpus_view(outlook(replace(box(), inventory=replace(machine(silent), gone=(ONE,)))))
    assert view is not None
    assert [(gone.id, gone.element) for gone in view.gone] == [(ONE.id, "gone-0")]
    assert [gpu.silent for gpu in view.gpus] == [True]


def test_cores_of_two_kinds_are_told_apart() -> None:
    """Where the kernel does."""
    cpu = Cpu("Hybrid", 24, fast_cores=16)
    view = gpus_view(outlook(replace(box(), inventory=replace(HERE, cpu=cpu))))
    assert view is not None
    assert view.processor.cores == "24 usable; the machine has 16 fast ones and others that save power"


def test_gpus_to_pin_are_those_here_and_those_chosen() -> None:
    """One that is chosen by its UUID is ticked; one that cannot be chosen now is blocked, unless it is chosen."""
    blocked = replace(TWO, pinnable=False, reason="It is silent.")
    snapshot = replace(box(), inventory=machine(ONE, blocked))
    own = ModelSettings(gpus=(f"uuid:{ONE.uuid}", "pci:gone"))
    rows = [(row.id, row.chosen, row.blocked, row.note) for row in pin_choices(own, snapshot)]
    assert rows == [
        (ONE.id, True, False, None),
        (TWO.id, False, True, "It is silent."),
        ("pci:gone", True, False, None),
    ]
    typed = {f"gpu:{TWO.id}": "on", "slots": "x"}
    assert pinned(typed) == [TWO.id]
    assert [row.chosen for row in pin_choices(own, snapshot, typed)] == [False, True]
