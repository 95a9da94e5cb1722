"""A verdict as a sentence for a person."""

from __future__ import annotations

from appliance.placement.fit import Code, Verdict

_GIB = 1 << 30
_SENTENCES = {
    Code.FITS: "Fits well: it takes {needed}.",
    Code.FITS_SHORTER: "Fits with a shorter context: {context} tokens instead of the {full_context} it can take.",
    Code.PARTLY_ON_PROCESSOR: (
        "Runs partly on the processor, which is slow: it takes {needed}, and {share} of it fits on the GPU."
    ),
    Code.ON_PROCESSOR: "Runs on the processor alone, which is slow: it takes {needed}, and there is room for {room}.",
    Code.TOO_BIG: "Does not fit: it needs {needed}, and there is room for {room}.",
    Code.NOT_POSSIBLE: "Cannot be run in this way.",
    Code.UNKNOWN: "Not known yet: the box is still finding out what hardware it has.",
}
_PARTLY_AND_SHORTER = (
    "Runs partly on the processor, which is slow, and with a shorter context of {context} tokens: "
    "it takes {needed}, and {share} of it fits on the GPU."
)


def sentence(verdict: Verdict) -> str:
    template = _SENTENCES[verdict.code]
    if verdict.code is Code.PARTLY_ON_PROCESSOR and verdict.context < verdict.full_context:
        template = _PARTLY_AND_SHORTER
    return template.format(
        needed=_roughly(size(verdict.needed), verdict),
        room=size(verdict.room),
        context=_roughly(f"{verdict.context:,}", verdict),
        full_context=f"{verdict.full_context:,}",
        share=_roughly(f"{verdict.gpu_share:.0%}", verdict),
    )


def size(amount: int) -> str:
    if amount >= 10 * _GIB:
        return f"{amount / _GIB:.0f} GiB"
    return f"{amount / _GIB:.1f} GiB" if amount >= _GIB // 10 else f"{amount / (1 << 20):.0f} MiB"


def _roughly(number: str, verdict: Verdict) -> str:
    return f"about {number}" if verdict.about else number
