"""Bins of time, and that they add up."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.activity.bins import MOST_MODELS, OTHER, Bin, merged, power_of, step_of
from appliance.activity.types import Ended, Reading
from tests.unit.activity.builders import ended, gpu, reading

REQUESTS = st.builds(
    ended,
    status=st.sampled_from([200, 400, 499, 503]),
    model=st.sampled_from(["a", "b", ""]),
    sent=st.integers(0, 10**9),
    tokens_in=st.none() | st.integers(0, 10**6),
    first_token=st.none() | st.floats(0, 10_000),
)
READINGS = st.builds(
    reading,
    seconds=st.floats(0, 15),
    in_flight=st.integers(0, 100),
    decoded=st.integers(0, 10_000),
    memory=st.none() | st.floats(0, 1e12),
    gpus=st.tuples(st.builds(gpu, st.integers(0, 3), power=st.none() | st.floats(0, 700))),
)


def told(*parts: Ended | Reading) -> Bin:
    one = Bin()
    for part in parts:
        if isinstance(part, Ended):
            one.add_request(part)
        else:
            one.add_reading(part)
    return one


@given(st.lists(REQUESTS | READINGS, max_size=30), st.integers(0, 30))
def test_two_halves_are_the_whole(parts: list[Ended | Reading], cut: int) -> None:
    """Whatever was counted in two bins is in the bin of both, to the last token and the worst time."""
    whole, halves = told(*parts), merged((told(*parts[:cut]), told(*parts[cut:])))
    rounded = ("watched", "energy", "metered", "memory", "gpus")
    exact = [name for name in Bin.__struct_fields__ if name not in rounded]
    assert [getattr(halves, n) for n in exact] == [getattr(whole, n) for n in exact]
    assert halves.watched == pytest.approx(whole.watched)
    assert halves.energy == pytest.approx(whole.energy)
    assert halves.memory.value == pytest.approx(whole.memory.value)
    assert set(halves.gpus) == set(whole.gpus)


@given(st.lists(REQUESTS | READINGS, max_size=10))
def test_a_stored_bin_is_read_back(parts: list[Ended | Reading]) -> None:
    """As JSON and back, nothing is lost."""
    one = told(*parts)
    assert msgspec.json.decode(msgspec.json.encode(one), type=Bin) == one


def test_merging_leaves_the_parts_as_they_were() -> None:
    """A bin is merged into many others."""
    part = told(ended(tokens_in=3), reading(gpus=(gpu(),)))
    before = msgspec.json.encode(part)
    whole = merged((part,))
    whole.merge(part)
    assert (msgspec.json.encode(part), whole.tokens_in, whole.requests) == (before, 6, 2)


def test_what_is_not_known_is_not_nought() -> None:
    """No reading, no value; a gauge that is missing once does not pull the mean down."""
    one = told(reading(gpus=(gpu(power=None),)), reading(memory=4.0), reading(memory=8.0))
    assert (one.memory.value, one.processor.value) == (6.0, None)
    assert (one.gauge("pci:0", "power"), one.gauge("pci:0", "utilisation"), one.gauge("gone", "power")) == (
        None,
        0.5,
        None,
    )
    assert (one.metered, one.energy_per_1000_tokens, Bin().speed(5), Bin().first_median) == (0, None, None, None)


def test_energy_is_power_over_time() -> None:
    """100 W and 200 W for an hour are 300 Wh; 1,500 tokens of them cost 200 Wh a thousand."""
    one = told(reading(3600, gpus=(gpu(0, power=100.0), gpu(1, power=200.0), gpu(2, power=None))))
    one.add_tokens("m", 1500)
    assert (one.energy, one.metered, one.energy_per_1000_tokens) == (300, 3600, 200)


def test_the_parts_of_a_split_gpu_are_one_power_sensor() -> None:
    """Each part tells the power of the whole."""
    parts = [replace(gpu(n, power=150.0), partition_of="pci:whole") for n in range(3)]
    assert (power_of(parts), power_of([gpu(power=None)]), power_of([])) == (150.0, None, None)


@given(st.lists(st.floats(0.001, 900), min_size=1, max_size=99).filter(lambda x: len(x) % 2 == 1))
def test_the_median_is_within_six_percent(times: list[float]) -> None:
    """Kept in steps, so that any number of answers takes the same room."""
    one = told(*(ended(first_token=seconds) for seconds in times))
    exact = sorted(times)[len(times) // 2]
    assert one.first_median == pytest.approx(exact, rel=0.061)
    assert (one.first_worst, one.first_count) == (max(times), len(times))


def test_times_beyond_all_measure_have_a_step() -> None:
    """Nothing is too quick or too slow to be counted."""
    assert (step_of(0.0), step_of(1e-9), step_of(1e9)) == (0, 0, 120)


def test_models_without_end_share_a_name() -> None:
    """Memory stays bounded, and the sum right."""
    one = told(*(ended(model=f"m{n}", tokens_in=1) for n in range(MOST_MODELS + 10)))
    assert (len(one.models), one.models[OTHER].requests) == (MOST_MODELS + 1, 10)
    assert sum(count.tokens_in for count in one.models.values()) == MOST_MODELS + 10


def test_tokens_made_are_the_greater_of_both_counts() -> None:
    """What engines told at the end misses answers that broke off; what was seen meanwhile misses short ones."""
    one = told(reading(5, decoded=50))
    assert (one.generated, one.speed(5)) == (50, 10)
    one.add_tokens("m", 80)
    assert (one.generated, one.speed(20), one.speed(2)) == (80, 16, 40)
