"""What a model is served without, because its engine did not get ready with it."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.node.failure import Failure


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Counts for one attempt: when a person asks to try again, everything is tried again."""

    attempt: int
    failure: Failure
    helper: str = ""  # what would have drafted: the path of a model, or the way
    projector: str = ""  # path of the file that would have given it eyes or ears
