"""What is measured, and what measured times mean."""

from __future__ import annotations

import json

import pytest

from appliance.hardware.benchmark import (
    ON_GPU,
    ON_PROCESSOR,
    Round,
    Shape,
    Unreadable,
    arguments,
    measured,
    rounds,
    size_of,
)

GIB = 1 << 30


def test_each_kind_of_weights_gets_a_model_of_its_size() -> None:
    """Large enough for no cache, no larger than needed; two more for arithmetic alone."""
    wanted = rounds(ON_GPU, 80 * GIB)
    assert [(one.kind, one.prompt > 0, one.generate > 0) for one in wanted] == [
        ("f16", False, True),
        ("q8_0", False, True),
        ("q4_k", False, True),
        ("f16", True, False),
        ("f32", True, False),
    ]
    sizes = [size_of(one.shape.elements, one.kind) for one in wanted if one.generate]
    assert all(GIB // 2 < size <= GIB for size in sizes)


def test_a_small_machine_gets_small_models() -> None:
    """And what does not fit at all is left out."""
    sizes = [size_of(one.shape.elements, one.kind) for one in rounds(ON_PROCESSOR, 120 << 20)]
    assert sizes
    assert all(size <= 120 << 20 for size in sizes)
    assert rounds(ON_PROCESSOR, 1 << 20) == ()


def test_the_processor_is_measured_without_any_gpu() -> None:
    """The whole command line, less the program."""
    one = Round("q8_0", Shape(2048, 7168, 2), prompt=0, generate=4, repeats=3)
    assert arguments(one, "/m", "none", 8) == [
        *("-m", "/m", "-p", "0", "-n", "4", "-r", "3", "-dev", "none", "-ngl", "0", "-t", "8", "-o", "json")
    ]


def test_a_gpu_gets_every_layer() -> None:
    """Of its device alone."""
    given = arguments(Round("f16", Shape(4096, 14336)), "/m", "CUDA0", 0)
    assert given[given.index("-dev") + 1] == "CUDA0"
    assert given[given.index("-ngl") + 1] == "99"
    assert given[given.index("-t") + 1] == "1"


def test_the_best_repeat_counts() -> None:
    """What else runs makes it slower, nothing makes it faster."""
    one = Round("f16", Shape(2048, 7168), prompt=64, generate=4)
    results = [
        {"n_prompt": 64, "n_gen": 0, "samples_ts": [50.0, 100.0]},
        {"n_prompt": 0, "n_gen": 4, "samples_ts": [2.0, 8.0, 4.0]},
    ]
    found = measured(one, json.dumps(results))
    read = one.shape.elements + 2048 * 256  # the output is read for each token as well
    assert found.reading == 8 * read * 2
    assert found.computing == 100 * 2 * one.shape.elements


@pytest.mark.parametrize("output", ["", "error: out of memory", "{}", "[3]", '[{"n_prompt": 1}]'])
def test_what_is_no_result_is_said_to_be_none(output: str) -> None:
    """With what was written instead."""
    with pytest.raises(Unreadable):
        measured(Round("f16", Shape(2048, 7168)), output)
