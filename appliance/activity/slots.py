"""How many tokens engines make in answers that still run, from two looks at the counters of their slots.

An answer tells its tokens at its end, which may be minutes away; the slots tell them while they are made.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

Tasks = Mapping[int, int]  # id of a running answer -> tokens made for it


class _Token(msgspec.Struct):
    n_decoded: int = 0


class _Slot(msgspec.Struct):
    is_processing: bool = False
    id_task: int = -1
    next_token: list[_Token] = []


_SLOTS = msgspec.json.Decoder(list[_Slot])


def read_slots(content: bytes) -> Tasks | None:
    """The answer of an engine's /slots; None when it makes no sense."""
    try:
        slots = _SLOTS.decode(content)
    except (msgspec.DecodeError, RecursionError):
        return None
    return {slot.id_task: slot.next_token[0].n_decoded for slot in slots if slot.is_processing and slot.next_token}


class SlotMeter:
    def __init__(self) -> None:
        self._seen: dict[str, Tasks] = {}

    def decoded(self, looks: Mapping[str, Tasks | None]) -> int:
        """Tokens made since the look before; a model that gave none (None) is asked again next time."""
        count = 0
        for model, tasks in looks.items():
            if tasks is not None:
                before = self._seen.get(model, {})
                count += sum(max(0, made - before.get(task, 0)) for task, made in tasks.items())
                self._seen[model] = tasks
        return count


class ShareMeter:
    """What share of the usable cores the engines took between two looks."""

    def __init__(self) -> None:
        self._seen: Mapping[int, float] = {}

    def share(self, used: Mapping[int, float], seconds: float, cores: int) -> float | None:
        """`used` are the processor seconds of each process; one that was not there before counts from its next look."""
        before, self._seen = self._seen, used
        if seconds <= 0 or cores <= 0:
            return None
        worked = sum(max(0.0, used[pid] - before[pid]) for pid in used if pid in before)
        return min(worked / seconds / cores, 1.0)
