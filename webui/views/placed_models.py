"""Which models run on which device."""

from __future__ import annotations

from appliance.hardware.trials import PROCESSOR
from appliance.node.fitting import devices_of
from appliance.node.lying import computes_on, lies_on
from appliance.node.serving import ServingEntry
from appliance.node.snapshot import ChildState
from appliance.placement.pinning import NONE
from appliance.run_loop import Outlook
from webui.views.words import size_text

_RUNNING = frozenset({ChildState.STARTING, ChildState.READY})


def placed_models(outlook: Outlook) -> dict[str, tuple[str, ...]]:
    """Names of those that run, by device, with what their engines said they take; a model that is pinned says so."""
    found: dict[str, tuple[str, ...]] = {}
    for entry in outlook.decision.serving:
        for device in _devices(entry, outlook):
            found[device] = (*found.get(device, ()), _named(entry, device, outlook))
    return found


def _named(entry: ServingEntry, device: str, outlook: Outlook) -> str:
    size = lies_on(entry.child, outlook.snapshot).get(device) if entry.child else None
    pinned = device != PROCESSOR and _pinned(entry, outlook)
    more = [*(["pinned"] if pinned else []), *([size_text(size)] if size else [])]
    return f"{entry.model} ({', '.join(more)})" if more else entry.model


def _pinned(entry: ServingEntry, outlook: Outlook) -> bool:
    own = outlook.snapshot.settings.serving.per_model.get(entry.model)
    return bool(own and own.gpus)


def _devices(entry: ServingEntry, outlook: Outlook) -> tuple[str, ...]:
    """As its engine says; else by where it is held to; else as is worked out when it goes where it likes."""
    library, listed = outlook.snapshot.library, outlook.snapshot.engine_devices
    if entry.child is None or entry.child.state not in _RUNNING:
        return ()
    if said := computes_on(entry.child, outlook.snapshot):
        return said
    spec = entry.child.spec
    if spec.gpus:
        return spec.gpus
    if spec.devices == (NONE,) or listed is None or not listed.devices:
        return (PROCESSOR,)
    model = library.find(entry.model) if library else None
    return devices_of(model, outlook.snapshot) if model else ()
