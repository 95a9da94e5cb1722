"""How fast a model writes with its helper and without. Pure.

A measure belongs to the pair of files and to the machine with its engine; with others it counts no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

PAYS = 1.05  # so many times as fast: less is not worth the memory
USELESS = 0.1  # of its proposals taken: whoever is refused so often only costs


@dataclass(frozen=True, slots=True)
class Speed:
    """Of the same short texts each time. A rate of 0: it could not be measured."""

    rate: float  # tokens a second
    proposed: int = 0  # tokens
    taken: int = 0

    @property
    def share_taken(self) -> float | None:
        return self.taken / self.proposed if self.proposed else None


@dataclass(frozen=True, slots=True)
class DraftTrial:
    """What is known of one model and what could draft for it."""

    pair: str
    machine: str
    alone: Speed | None = None
    helped: Speed | None = None

    @property
    def gain(self) -> float | None:
        """How many times as fast it is with its helper."""
        if self.alone is None or self.helped is None or not self.alone.rate:
            return None
        return self.helped.rate / self.alone.rate

    def pays(self, *, named: bool) -> bool:
        """Whether the helper stays. One that its owner named stays as long as it is any good at guessing: it may pay
        for other texts than those that were measured."""
        share = self.helped.share_taken if self.helped else None
        if share is not None and share < USELESS:
            return False
        return named or (self.gain is not None and self.gain >= PAYS)


DraftTrials = Mapping[str, DraftTrial]  # by the id of the model that is helped
