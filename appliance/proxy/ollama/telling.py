"""An answer in Ollama's shapes: whole, or a line of JSON for each piece."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import msgspec

from appliance.proxy.ollama.asking import Asked, Telling
from appliance.proxy.ollama.chunks import CHUNKS, UNREADABLE, VECTORS, Piece, Reading, Refused, Usage, error_text

NANO = 10**9
LONGEST_MS = 1e12
NOTHING_SAID = Piece()

Clock = Callable[[], float]


def moment(nanoseconds: int) -> str:
    """RFC 3339 to the nanosecond."""
    seconds, rest = divmod(nanoseconds, NANO)
    return f"{_second(seconds)}.{rest:09d}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    """Many pieces come within one."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"


class Teller:
    """Tells one answer. `started` is when its request came, by `clock`."""

    def __init__(self, asked: Asked, started: float, clock: Clock = time.monotonic) -> None:
        self.asked = asked
        self._started, self._clock = started, clock
        self._reading = Reading()

    def whole(self, body: bytes) -> dict[str, Any]:
        """Raises msgspec.MsgspecError for what is no answer."""
        if self.asked.telling in (Telling.EMBED, Telling.EMBEDDING):
            return self._vectors(body)
        if self.asked.reason:
            return self.wordless()
        piece = self._reading.take(CHUNKS.decode(body))
        return self._last(piece, self._reading.calls())

    def wordless(self) -> dict[str, Any]:
        """What is said when nothing was asked."""
        if self.asked.telling is Telling.EMBED:
            return {"model": self.asked.model, "embeddings": [], **self._durations()}
        if self.asked.telling is Telling.EMBEDDING:
            return {"embedding": []}
        return self.tell(NOTHING_SAID, done=True) | {"done_reason": self.asked.reason}

    def take(self, data: bytes) -> Piece:
        """Reads one event. Raises msgspec.MsgspecError, or Refused when it tells of an error."""
        chunk = CHUNKS.decode(data)
        if chunk.error is not None:
            raise Refused(error_text(data) or UNREADABLE)
        return self._reading.take(chunk)

    @property
    def calls(self) -> list[dict[str, Any]]:
        return self._reading.calls()

    @property
    def finished(self) -> bool:
        return self._reading.finish is not None

    def last(self) -> dict[str, Any]:
        """The last line of a stream."""
        return self._last(NOTHING_SAID)

    def tell(self, piece: Piece, calls: list[dict[str, Any]] | None = None, *, done: bool = False) -> dict[str, Any]:
        head = {"model": self.asked.model, "created_at": moment(time.time_ns())}
        thinking = {"thinking": piece.thinking} if piece.thinking else {}
        called = {"tool_calls": calls} if calls else {}
        if self.asked.telling is Telling.CHAT:
            said: dict[str, Any] = {"message": {"role": "assistant", "content": piece.text, **thinking, **called}}
        else:
            said = {"response": piece.text, **thinking, **called}
        return {**head, **said, "done": done}

    def _last(self, piece: Piece, calls: list[dict[str, Any]] | None = None) -> dict[str, Any]:
        reason = "length" if self._reading.finish == "length" else "stop"
        return self.tell(piece, calls, done=True) | {"done_reason": reason, **self._figures()}

    def _figures(self) -> dict[str, int]:
        """Times in nanoseconds. What was neither reading nor writing was waiting: in line, or for the model to load."""
        reading = self._reading
        read, wrote = _nano(reading.reading_ms), _nano(reading.writing_ms)
        total = self._total()
        counts = {"prompt_eval_count": reading.tokens_in, "eval_count": reading.tokens_out}
        return {
            "total_duration": total,
            "load_duration": max(0, total - read - wrote),
            "prompt_eval_duration": read,
            "eval_duration": wrote,
            **{name: count for name, count in counts.items() if count is not None},
        }

    def _durations(self) -> dict[str, int]:
        return {"total_duration": self._total(), "load_duration": 0}

    def _total(self) -> int:
        return int((self._clock() - self._started) * NANO)

    def _vectors(self, body: bytes) -> dict[str, Any]:
        answer = VECTORS.decode(body)
        found = [vector.embedding for vector in sorted(answer.data, key=lambda vector: vector.index)]
        if self.asked.telling is Telling.EMBEDDING:
            return {"embedding": found[0] if found else []}
        vectors = found if self.asked.dimensions is None else [shortened(v, self.asked.dimensions) for v in found]
        told = {"model": self.asked.model, "embeddings": vectors, **self._durations()}
        count = (answer.usage or Usage()).prompt_tokens
        return told if count is None else {**told, "prompt_eval_count": count}


def shortened(raw: msgspec.Raw, dimensions: int) -> list[float]:
    """The first so many numbers, with a length of one again."""
    vector = msgspec.json.decode(raw, type=list[float])[:dimensions]
    length = math.hypot(*vector)
    return [number / length for number in vector] if length > 0 else vector


def _nano(milliseconds: float | None) -> int:
    return int(min(max(0.0, milliseconds or 0.0), LONGEST_MS) * 1_000_000)
