"""Verdicts in words."""

from __future__ import annotations

import pytest

from appliance.placement.fit import Code, Verdict
from appliance.placement.room import GIB
from appliance.placement.words import sentence, size


@pytest.mark.parametrize(
    ("verdict", "text"),
    [
        (Verdict(Code.FITS, needed=5 * GIB), "Fits well: it takes 5.0 GiB."),
        (Verdict(Code.FITS, needed=5 * GIB, about=True), "Fits well: it takes about 5.0 GiB."),
        (
            Verdict(Code.FITS_SHORTER, context=32768, full_context=131072),
            "Fits with a shorter context: 32,768 tokens instead of the 131,072 it can take.",
        ),
        (
            Verdict(Code.PARTLY_ON_PROCESSOR, needed=30 * GIB, gpu_share=0.61),
            "Runs partly on the processor, which is slow: it takes 30 GiB, and 61% of it fits on the GPU.",
        ),
        (
            Verdict(Code.PARTLY_ON_PROCESSOR, needed=30 * GIB, gpu_share=0.61, context=4096, full_context=8192),
            (
                "Runs partly on the processor, which is slow, and with a shorter context of 4,096 tokens: "
                "it takes 30 GiB, and 61% of it fits on the GPU."
            ),
        ),
        (
            Verdict(Code.ON_PROCESSOR, needed=5 * GIB, room=20 * GIB),
            "Runs on the processor alone, which is slow: it takes 5.0 GiB, and there is room for 20 GiB.",
        ),
        (
            Verdict(Code.TOO_BIG, needed=48 * GIB, room=23 * GIB, about=True),
            "Does not fit: it needs about 48 GiB, and there is room for 23 GiB.",
        ),
    ],
)
def test_a_verdict_is_a_whole_sentence(verdict: Verdict, text: str) -> None:
    """With its numbers; a rough one says so."""
    assert sentence(verdict) == text


@pytest.mark.parametrize("code", Code)
def test_every_verdict_has_words(code: Code) -> None:
    """None is forgotten, rough or not."""
    assert sentence(Verdict(code)).endswith(".")
    assert sentence(Verdict(code, about=True)).endswith(".")


@pytest.mark.parametrize(
    ("amount", "text"),
    [(0, "0 MiB"), (5 << 20, "5 MiB"), (GIB, "1.0 GiB"), (12 * GIB, "12 GiB"), (1 << 62, "4294967296 GiB")],
)
def test_sizes_are_short(amount: int, text: str) -> None:
    """No more digits than anyone reads."""
    assert size(amount) == text
