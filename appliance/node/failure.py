"""Why something did not work, in words for a person."""

from __future__ import annotations

from dataclasses import dataclass

GIVEN_UP = frozenset({"crash_loop", "load_failed", "wrong_answer"})  # tried again at long intervals only


@dataclass(frozen=True, slots=True)
class Failure:
    """`code` stays the same for programs, `detail` is for a person."""

    code: (
        str  # of an engine: crashed | crash_loop | engine_missing | load_failed | wrong_answer | wedged | load_timeout
    )
    detail: str
    log_tail: tuple[str, ...] = ()
