"""What was tried on a device, in words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from appliance.hardware.trials import Benchmark, SelfTest, in_force
from appliance.node.snapshot import Snapshot
from webui.views.words import Moment, moment


@dataclass(frozen=True, slots=True)
class Tried:
    tone: str  # of the self-test
    test: str
    test_detail: str | None
    tested_at: Moment | None
    figures: tuple[tuple[str, str], ...]
    measured_at: Moment | None
    problem: str | None  # why there are no figures


def tried_view(device: str, snapshot: Snapshot) -> Tried:
    engine = snapshot.engine_devices.engine if snapshot.engine_devices else None
    trial = in_force(snapshot.trials, snapshot.inventory, engine).get(device)
    test, bench = (trial.self_test, trial.benchmark) if trial else (None, None)
    tone, words = _test_words(test)
    return Tried(
        tone=tone,
        test=words,
        test_detail=test.detail if test else None,
        tested_at=moment(test.at) if test else None,
        figures=tuple(_figures(bench)) if bench else (),
        measured_at=moment(bench.at) if bench else None,
        problem=bench.problem if bench else None,
    )


def _test_words(test: SelfTest | None) -> tuple[str, str]:
    if test is None:
        return "", "not tested yet"
    if test.ok:
        return "good", f"computes right, {max(1, round(test.answer_ms or 0))} ms"
    return ("bad", "computes wrong answers") if test.wrong else ("warn", "could not be tested")


def _figures(bench: Benchmark) -> Iterator[tuple[str, str]]:
    if bench.bandwidth is not None:
        yield "Reads weights at", f"{bench.bandwidth / 1e9:,.1f} GB/s"
    for label, rate in (("Computes, 16 bits", bench.fp16_gflops), ("Computes, 32 bits", bench.fp32_gflops)):
        if rate is not None:
            yield label, f"{rate / 1000:,.1f} TFLOP/s" if rate >= 1000 else f"{rate:,.0f} GFLOP/s"
