"""Is it worth telling what changed in the facts of a box, and does it matter to others at once?"""

from __future__ import annotations

from typing import Any

import msgspec

from appliance.mesh.membership.facts import Facts, LoadFact, MemoryFact


def news_in(old: Facts, new: Facts) -> tuple[bool, bool]:
    """Has something changed that others decide by; has something changed at all that is worth telling."""
    lasting = _lasting(old) != _lasting(new)
    return lasting, lasting or _moved(old, new)


def _lasting(facts: Facts) -> Facts:
    quiet: dict[str, Any] = {
        "load": LoadFact(stalled=1 if facts.load.stalled else 0),
        "demand": (),
        "counters": (),
        "memory": MemoryFact(facts.memory.total),
        "models": tuple(msgspec.structs.replace(model, busy=0) for model in facts.models),
        "gpus": tuple(msgspec.structs.replace(gpu, used=None) for gpu in facts.gpus),
    }
    return msgspec.structs.replace(facts, **quiet)


def _moved(old: Facts, new: Facts) -> bool:
    """Small movements of memory and speed are not worth a message to everybody."""
    if _busy(old) != _busy(new) or _asked(old) != _asked(new):
        return True
    used = [(old.memory.used, new.memory.used, new.memory.total)]
    used += [(a.used or 0, b.used or 0, b.total or 0) for a, b in zip(old.gpus, new.gpus, strict=False)]
    moved = any(abs(before - after) * 32 > total for before, after, total in used)
    return moved or abs(old.load.tokens_s - new.load.tokens_s) * 8 > max(old.load.tokens_s, new.load.tokens_s, 1.0)


def _busy(facts: Facts) -> tuple[int, ...]:
    return (facts.load.running, facts.load.queued, *(model.busy for model in facts.models))


def _asked(facts: Facts) -> list[tuple[str, tuple[tuple[int, int], ...]]]:
    return [(demand.model, demand.counts) for demand in facts.demand]
