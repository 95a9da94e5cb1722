"""How long a silent member has: longer while one box alone says so, and longer in a large mesh."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from appliance.mesh.membership.types import Timing

AGREE = 2  # further accusers make it as short as it gets


@dataclass(slots=True)
class Doubt:
    began: float
    shortest: float
    longest: float
    expected: int
    accusers: set[str] = field(default_factory=set)
    granted: float = 0.0  # because this box was late itself
    check_at: float = math.inf  # when its accuser asks it once more

    def confirm(self, by: str) -> bool:
        """True when this one had not said so and it still matters."""
        if by in self.accusers or len(self.accusers) > self.expected:
            return False
        self.accusers.add(by)
        return True

    @property
    def deadline(self) -> float:
        agreed = max(0, len(self.accusers) - 1)
        if self.expected <= 0 or agreed >= self.expected:
            return self.began + self.shortest + self.granted
        share = math.log(agreed + 1) / math.log(self.expected + 1)
        return self.began + self.longest - (self.longest - self.shortest) * share + self.granted


def doubt(timing: Timing, members: int, patience: float, now: float) -> Doubt:
    """`members`: this box and all who are not gone, the suspect too."""
    scale = max(1.0, math.log10(max(members, 1))) * patience
    expected = min(AGREE, members - 2)
    return Doubt(now, timing.suspect_for * scale, timing.suspect_alone * scale, expected)
