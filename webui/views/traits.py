"""What one model can do beyond text, how sure that is, and what says so."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.models.types import Capability, Level, Model

LABELS = {
    Capability.VISION: "Sees pictures",
    Capability.AUDIO: "Hears sound",
    Capability.TOOLS: "Uses tools",
    Capability.REASONING: "Thinks before it answers",
    Capability.EMBEDDING: "Makes vectors for search",
    Capability.EXPERTS: "Has experts of which few work at a time",
}
_LEVELS = {Level.SURE: ("good", "yes"), Level.LIKELY: ("warn", "perhaps"), Level.NONE: ("", "no")}


@dataclass(frozen=True, slots=True)
class Trait:
    label: str
    tone: str
    level: str
    why: str


def traits(model: Model) -> tuple[Trait, ...]:
    """Only what is sure decides where a request goes."""
    claims = model.profile.claims if model.profile else ()
    return tuple(Trait(LABELS[claim.capability], *_LEVELS[claim.level], claim.source) for claim in claims)
