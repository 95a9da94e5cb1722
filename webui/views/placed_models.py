"""Which models run on which device."""

from __future__ import annotations

from appliance.hardware.trials import PROCESSOR
from appliance.node.fitting import devices_of
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import ChildState
from appliance.placement.pinning import NONE
from appliance.run_loop import Outlook

_RUNNING = frozenset({ChildState.STARTING, ChildState.READY})


def models_on(device: str, outlook: Outlook) -> tuple[str, ...]:
    """Names of those that run there; a model that is pinned says so."""
    return tuple(
        f"{entry.model} (pinned)" if _pinned(entry, outlook) else entry.model
        for entry in outlook.decision.serving
        if device in _devices(entry, outlook)
    )


def _pinned(entry: ServingEntry, outlook: Outlook) -> bool:
    own = outlook.snapshot.settings.serving.per_model.get(entry.model)
    return bool(own and own.gpus)


def _devices(entry: ServingEntry, outlook: Outlook) -> tuple[str, ...]:
    """Where an engine is held to is known; where it goes by itself is worked out as it does."""
    library, listed = outlook.snapshot.library, outlook.snapshot.engine_devices
    if entry.child is None or entry.child.state not in _RUNNING:
        return ()
    spec = entry.child.spec
    if spec.gpus:
        return spec.gpus
    if spec.devices == (NONE,) or listed is None or not listed.devices:
        return (PROCESSOR,)
    model = library.find(entry.model) if library else None
    return devices_of(model, outlook.snapshot) if model else ()
