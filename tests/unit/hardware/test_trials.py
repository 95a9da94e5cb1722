"""What was tried on devices, and how long it counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from appliance.hardware.trials import PROCESSOR, Benchmark, SelfTest, Trial, hardware_of, in_force, kind_of, marks
from tests.gpu_boxes import ENGINE, machine, nvidia

CARD = nvidia(0x65)
HERE = machine(CARD)


def test_a_result_counts_for_the_device_it_was_found_on() -> None:
    """Busy or idle: readings that change by themselves do not matter."""
    trials = {device: Trial(mark) for device, mark in marks(HERE, ENGINE).items()}
    busy = machine(replace(CARD, memory_used=5, utilisation=0.9, temperature=70.0))
    assert in_force(trials, busy, ENGINE).keys() == {PROCESSOR, CARD.id}


@pytest.mark.parametrize("change", [{"driver": "2.0"}, {"name": "Another card"}, {"uuid": "GPU-9"}])
def test_with_another_driver_or_card_it_counts_no_more(change: dict[str, Any]) -> None:
    """The slot is the same, the result may be another; the processor's stays."""
    trials = {device: Trial(mark) for device, mark in marks(HERE, ENGINE).items()}
    assert in_force(trials, machine(replace(CARD, **change)), ENGINE).keys() == {PROCESSOR}


def test_with_another_engine_nothing_counts() -> None:
    """It may compute otherwise; and while it is not known which it is, neither."""
    trials = {device: Trial(mark) for device, mark in marks(HERE, ENGINE).items()}
    assert in_force(trials, HERE, "another") == {}
    assert in_force(trials, HERE, None) == {}
    assert in_force(trials, None, ENGINE) == {}


def test_a_model_is_read_as_fast_as_weights_like_its_own() -> None:
    """Or as the fastest there are, where its kind could not be measured."""
    bench = Benchmark(0.0, {"f16": 30e9, "q8_0": 20e9, "q4_k": 10e9})
    assert [bench.bandwidth_for(name) for name in ("BF16", "Q8_0", "Q4_K_M", None)] == [30e9, 20e9, 10e9, 10e9]
    assert Benchmark(0.0, {"f16": 30e9}).bandwidth_for("Q4_0") == 30e9
    assert Benchmark(0.0).bandwidth_for("Q4_0") is None


@pytest.mark.parametrize(
    ("name", "kind"), [("F32", "f16"), ("Q6_K", "q8_0"), ("Q5_K_M", "q4_k"), ("IQ2_XXS", "q4_k"), ("", "q4_k")]
)
def test_each_quantisation_has_a_nearest_kind(name: str, kind: str) -> None:
    """By how much arithmetic a byte takes."""
    assert kind_of(name) == kind


def test_only_a_wrong_answer_makes_a_device_wrong() -> None:
    """One that could not be asked may be as good as any."""
    assert SelfTest(ok=False, at=0.0, code="wrong_answer").wrong
    assert not SelfTest(ok=False, at=0.0, code="crashed").wrong


def test_hardware_is_what_stays_while_it_works() -> None:
    """A silent driver, which hides the readings, does not make other hardware of it."""
    assert hardware_of(machine(replace(CARD, memory_used=None, pinnable=False))) == hardware_of(HERE)
    assert hardware_of(machine(CARD, nvidia(0x66, 2))) != hardware_of(HERE)
