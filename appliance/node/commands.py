"""What the run loop tells adapters to do, in the imperative."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.node.snapshot import EngineSpec


@dataclass(frozen=True, slots=True)
class RunEngine:
    """Have exactly this engine running; a child of the same model with another spec is replaced."""

    spec: EngineSpec


@dataclass(frozen=True, slots=True)
class EndEngine:
    model: str


Command = RunEngine | EndEngine
