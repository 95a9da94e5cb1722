"""Which tokens a request is booked with on its key. Pure.

Engines tell the tokens of every whole answer, and in the last event of every stream, whether or not the client asked
for it. What nobody told is estimated: leaving before the end must not make an answer free of charge.
"""

from __future__ import annotations

from dataclasses import dataclass

from appliance.proxy.usage import Usage

BYTES_PER_TOKEN = 4  # of a question, about
UNKNOWN_CONTEXT = 4096
_FREE = frozenset({"/tokenize", "/detokenize", "/apply-template", "/v1/messages/count_tokens"})
_WORKED = frozenset({200, 499})  # answered, or left by its client


@dataclass(frozen=True, slots=True)
class Course:
    """How a request went."""

    path: str
    status: int
    asked: bool  # an engine was asked
    size: int  # bytes of the question
    answers: int  # side by side, that the question wanted
    events: int  # of the stream that the client got
    stream: bool
    context: int | None


@dataclass(frozen=True, slots=True)
class Spent:
    tokens_in: int = 0
    tokens_out: int = 0


NOTHING = Spent()


def tokens_spent(course: Course, usage: Usage) -> Spent:
    if not course.asked or course.path in _FREE:
        return NOTHING
    worked = course.status in _WORKED
    return Spent(_read(course, usage) if worked else usage.tokens_in or 0, _made(course, usage))


def _read(course: Course, usage: Usage) -> int:
    """Of several answers the engine tells the question of one only; several questions may stand behind them."""
    if usage.tokens_in is not None and course.answers <= 1:
        return usage.tokens_in
    most = course.context or UNKNOWN_CONTEXT
    return max(usage.tokens_in or 0, min(course.size // BYTES_PER_TOKEN, most * course.answers))


def _made(course: Course, usage: Usage) -> int:
    """A stream brings an event for each token. Of several whole answers one is told, and the others are like it."""
    if usage.tokens_out is None:
        return course.events
    if course.answers <= 1:
        return usage.tokens_out
    return max(usage.tokens_out, course.events) if course.stream else usage.tokens_out * course.answers
