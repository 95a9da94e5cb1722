"""Tokens of answers that still run."""

from __future__ import annotations

import pytest

from appliance.activity.slots import ShareMeter, SlotMeter, Tasks, read_slots

IDLE = '{"id": 0, "n_ctx": 16384, "is_processing": false, "params": {"a": [1]}}'
BUSY = '{"id": 3, "is_processing": true, "id_task": 7, "next_token": [{"has_next_token": true, "n_decoded": 679}]}'
DONE = '{"id": 2, "is_processing": false, "id_task": 5, "next_token": [{"n_decoded": 12}]}'


def test_only_slots_that_work_are_counted() -> None:
    """As llama-server tells them."""
    assert read_slots(f"[{IDLE},{BUSY},{DONE}]".encode()) == {7: 679}


@pytest.mark.parametrize("content", [b"", b"{}", b'{"error": 1}', b'[{"is_processing": 3}]', b"[" * 100_000])
def test_what_makes_no_sense_is_not_known(content: bytes) -> None:
    """Nothing is invented."""
    assert read_slots(content) is None


def test_only_what_is_new_since_the_last_look_counts() -> None:
    """A new task from its start; one that a look missed goes on from where it was seen."""
    meter = SlotMeter()
    looks: list[dict[str, Tasks | None]] = [
        {"m": {1: 10}},
        {"m": {1: 30, 2: 5}},
        {"m": None},
        {"m": {2: 50}},
        {},
        {"m": {2: 60}, "n": {2: 1}},
    ]
    assert [meter.decoded(look) for look in looks] == [10, 25, 0, 45, 0, 11]


def test_an_engine_that_starts_again_counts_anew() -> None:
    """Its tasks have the same numbers; what seems to be less than before is nothing."""
    meter = SlotMeter()
    assert [meter.decoded({"m": {1: 100}}), meter.decoded({"m": {1: 10}}), meter.decoded({"m": {1: 20}})] == [
        100,
        0,
        10,
    ]


def test_the_share_of_the_processor() -> None:
    """Two of four cores for five seconds; a process counts from its second look, and never for more than all."""
    meter = ShareMeter()
    first = meter.share({1: 100.0}, 5, 4)
    second = meter.share({1: 110.0, 2: 50.0}, 5, 4)
    third = meter.share({2: 500.0}, 5, 4)
    assert (first, second, third, meter.share({}, 0, 4), meter.share({}, 5, 0)) == (0.0, 0.5, 1.0, None, None)
