"""`python -m tests.fuzz target [options of libFuzzer] folder…`, with an interpreter that has atheris."""

from __future__ import annotations

import sys

import atheris  # type: ignore[import-untyped]  # only there while fuzzing

with atheris.instrument_imports(include=["appliance.proxy", "multipart"]):
    from tests.fuzz.targets import TARGETS

if __name__ == "__main__":
    target = TARGETS[sys.argv.pop(1)]
    atheris.Setup(sys.argv, target)
    atheris.Fuzz()
