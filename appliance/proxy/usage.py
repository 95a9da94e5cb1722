"""What an answer says about its tokens: `usage`, and llama-server's `timings`, from the last bytes of the answer.

Only the first and the last piece are looked at, once, when the answer has ended: what the engine tells there is exact
and costs a stream nothing. What it does not tell stays unknown. The objects are found by their key in quotes; text of
a model cannot be mistaken for them, since quotes within a string are escaped.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from itertools import chain
from typing import Annotated, TypeVar

import msgspec

TAIL = 8192  # bytes; after them stand a few fields more at most

Count = Annotated[int, msgspec.Meta(ge=0, le=10**9)]
Milliseconds = Annotated[float, msgspec.Meta(ge=0, le=10**9)]
T = TypeVar("T")

_USAGE, _TIMINGS = b'"usage"', b'"timings"'
_VALUE = re.compile(rb'"\w+"\s*:\s*(\{[^{}]*+(?:\{[^{}]*+\}[^{}]*+)*+\})')


class _Usage(msgspec.Struct):
    """OpenAI's names, those of its responses, and Anthropic's, which counts cached tokens apart."""

    prompt_tokens: Count | None = None
    completion_tokens: Count | None = None
    total_tokens: Count | None = None
    input_tokens: Count | None = None
    output_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None

    def tokens_in(self) -> int | None:
        if self.input_tokens is not None:
            return self.input_tokens + (self.cache_read_input_tokens or 0) + (self.cache_creation_input_tokens or 0)
        return self.prompt_tokens

    def tokens_out(self) -> int | None:
        """Anthropic's streams begin with a nought that means nothing yet."""
        told = self.completion_tokens if self.completion_tokens is not None else self.output_tokens or None
        if told is None and self.total_tokens is not None and self.prompt_tokens is not None:
            return max(0, self.total_tokens - self.prompt_tokens)  # embeddings
        return told


class _Timings(msgspec.Struct):
    cache_n: Count = 0
    prompt_n: Count | None = None
    predicted_n: Count | None = None
    predicted_ms: Milliseconds | None = None
    predicted_per_second: Milliseconds | None = None


_NO_TIMINGS = _Timings()
_USAGES = msgspec.json.Decoder(_Usage)
_ALL_TIMINGS = msgspec.json.Decoder(_Timings)


class Usage(msgspec.Struct, frozen=True, gc=False):
    """None is what was not told."""

    tokens_in: int | None = None
    tokens_out: int | None = None
    generating: float | None = None  # seconds
    speed: float | None = None  # tokens a second


NOTHING_TOLD = Usage()


def read_usage(head: bytes, tail: bytes) -> Usage:
    """`head` is the first event of a stream: Anthropic's tells the tokens of the question there."""
    tail = tail[-TAIL:]
    head = b"" if head == tail else head[:TAIL]  # a short answer is its own head
    asked = made = None
    for usage in chain(_objects(_USAGE, _USAGES, tail), _objects(_USAGE, _USAGES, head)):
        asked = usage.tokens_in() if asked is None else asked
        made = usage.tokens_out() if made is None else made
        if asked is not None and made is not None:  # as a rule the very last one tells both
            break
    timings = next(_objects(_TIMINGS, _ALL_TIMINGS, tail), _NO_TIMINGS)
    if asked is None and timings.prompt_n is not None:
        asked = timings.prompt_n + timings.cache_n
    made = timings.predicted_n if made is None else made
    measured = timings.predicted_ms is not None and timings.predicted_n is not None and timings.predicted_n > 1
    return Usage(
        tokens_in=asked,
        tokens_out=made,
        generating=None if timings.predicted_ms is None else timings.predicted_ms / 1000,
        speed=timings.predicted_per_second or None if measured else None,
    )


def _objects(name: bytes, decoder: msgspec.json.Decoder[T], text: bytes) -> Iterator[T]:
    """Those that make sense, the last first; they stand near the end, so that is where it is begun to look."""
    at = text.rfind(name)
    while at >= 0:
        if (found := _VALUE.match(text, at)) is not None:
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                yield decoder.decode(found[1])
        at = text.rfind(name, 0, at)
