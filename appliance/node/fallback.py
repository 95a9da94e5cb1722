"""An engine that does not get ready is tried with less: first without what drafts for it, then without its projector.

A model that works without a part of it is worth more than one that does not run at all; a card on the page says what
is missing, and "try again" tries with everything.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from appliance.node.failure import Failure
from appliance.node.left_out import LeftOut
from appliance.node.snapshot import Child, ChildState, EngineSpec, Snapshot

_PORT_TAKEN = "couldn't bind"  # as the engine says it: another program was quicker, the next attempt takes another port


def noted(before: Mapping[str, LeftOut], child: Child) -> Mapping[str, LeftOut]:
    """With what the next attempt goes without, when this engine ended before it was ever ready."""
    failure, model = child.failure, child.spec.model
    never_ready = child.state is ChildState.FAILED and child.answer_ms is None
    if failure is None or not never_ready or _for_another_reason(failure):
        return before
    known = before.get(model)
    if known is None or known.attempt != child.spec.attempt:
        known = LeftOut(child.spec.attempt, failure)
    less = _with_less(known, child.spec, failure)
    return before if less is None else MappingProxyType({**before, model: less})


def _for_another_reason(failure: Failure) -> bool:
    return failure.code == "engine_missing" or any(_PORT_TAKEN in line for line in failure.log_tail)


def _with_less(known: LeftOut, spec: EngineSpec, failure: Failure) -> LeftOut | None:
    if spec.drafting:
        return replace(known, helper=spec.draft or spec.drafting, failure=failure)
    return replace(known, projector=spec.projector, failure=failure) if spec.projector else None


def left_out(model_id: str, snapshot: Snapshot) -> LeftOut | None:
    found = snapshot.left_out.get(model_id)
    return found if found is not None and found.attempt == snapshot.attempts.get(model_id, 0) else None


def projector_of(model_id: str, path: str | None, snapshot: Snapshot) -> str:
    """The projector that it is started with."""
    left = left_out(model_id, snapshot)
    return "" if path is None or (left is not None and left.projector == path) else path
