"""Where the engine says it puts a model."""

from __future__ import annotations

from typing import Any

import pytest

from appliance.hardware.engine_layout import HOST, Attempts, Lain, parse_report, together


def row(name: str, weights: int, total: int, kind: str = "device") -> dict[str, Any]:
    return {"kind": kind, "name": name, "self": total, "model": weights, "context": 0, "compute": total - weights}


def report(*rows: dict[str, Any]) -> dict[str, Any]:
    return {"unit": "MiB", "rows": list(rows)}


def test_a_report_of_two_gpus() -> None:
    """What lies with the processor, in whichever kind of buffer, is one place."""
    found = parse_report(
        report(row("CUDA0", 4000, 4600), row("CUDA1", 3000, 3300), row("Host", 300, 330, "host"))
        | {"more": "of a later version"}
    )
    assert found == (Lain("CUDA0", 4000, 4600), Lain("CUDA1", 3000, 3300), Lain(HOST, 300, 330))
    repacked = parse_report(report(row("Host", 300, 330, "host"), row("CPU_REPACK", 700, 700, "buffer_type")))
    assert repacked == (Lain(HOST, 1000, 1030),)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        "x",
        {},
        {"unit": "GiB", "rows": []},
        {"unit": "MiB", "rows": 7},
        report(row("CUDA0", 1, 2)) | {"rows": [{"kind": "device"}]},
        report(row("CUDA0", -1, 2)),
        report(row("CUDA0", 3, 2)),
        report(row("CUDA0", 1, 1 << 50)),
        {"unit": "MiB", "rows": [{"kind": "device", "name": "x", "self": "1", "model": 1}]},
        report(*[row("x", 0, 0)] * 65),
    ],
)
def test_what_makes_no_sense_says_nothing(data: object) -> None:
    """The engine is another program; its next version may write otherwise."""
    assert parse_report(data) == ()


def test_the_last_attempt_counts() -> None:
    """The first one, with everything on the GPU, was too much."""
    first, last = (Lain("CUDA0", 8000, 9000),), (Lain("CUDA0", 5000, 5600), Lain(HOST, 3000, 3100))
    assert Attempts().then(first).then(last).layout == last


def test_a_model_that_drafts_is_added() -> None:
    """Its own attempts come in between, and are told by their weights."""
    main, draft = (Lain("CUDA0", 8000, 9000),), (Lain("CUDA0", 600, 700), Lain(HOST, 0, 10))
    again = (Lain("CUDA0", 4000, 4500), Lain(HOST, 4000, 4100))
    found = Attempts().then(main).then(draft).then(again).then(draft)
    assert found.layout == (Lain("CUDA0", 4600, 5200), Lain(HOST, 4000, 4110))


def test_an_unreadable_report_changes_nothing() -> None:
    """What was said before stays."""
    said = Attempts().then((Lain("CUDA0", 10, 12),))
    assert said.then(()).layout == said.layout == (Lain("CUDA0", 10, 12),)


def test_nothing_is_nowhere() -> None:
    """Before the engine said a word."""
    assert (Attempts().layout, together()) == ((), ())
