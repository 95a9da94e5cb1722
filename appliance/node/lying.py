"""Where the engines that run really lie: by what each said itself when it laid its model out."""

from __future__ import annotations

from collections.abc import Mapping

from appliance.hardware.engine_devices import EngineDevice
from appliance.hardware.engine_layout import HOST, Lain
from appliance.hardware.trials import PROCESSOR
from appliance.node.snapshot import Child, ChildState, EngineSpec, Snapshot
from appliance.placement.matching import device_of
from appliance.placement.room import MIB

_RUNNING = frozenset({ChildState.STARTING, ChildState.READY})
_ROUNDED_MIB = 1  # the engine counts in whole MiB


def lies_on(child: Child, snapshot: Snapshot) -> dict[str, int]:
    """Bytes by the id of the device, `PROCESSOR` for the machine's memory. Empty when the engine did not say."""
    if child.state not in _RUNNING:
        return {}
    names = _names(child.spec, snapshot)
    return {_id(lain, names): lain.total_mib * MIB for lain in child.laid_out}


def computes_on(child: Child, snapshot: Snapshot) -> tuple[str, ...]:
    """Ids of the devices that read its weights for every token. A little of every model stays in the machine's memory:
    the table of its tokens is only looked up there."""
    if child.state not in _RUNNING:
        return ()
    names, elsewhere = _names(child.spec, snapshot), sum(n.weights_mib for n in child.laid_out if not _at_home(n))
    idle = _looked_up_mib(child, snapshot, elsewhere) if elsewhere else 0
    return tuple(_id(lain, names) for lain in child.laid_out if lain.weights_mib > (idle if _at_home(lain) else 0))


def _names(spec: EngineSpec, snapshot: Snapshot) -> Mapping[str, str]:
    """Ids of GPUs by what the engine calls them; one that was shown only its own counts anew."""
    if spec.gpus:
        return dict(zip(spec.devices, spec.gpus, strict=False))
    inventory, listed = snapshot.inventory, snapshot.engine_devices
    if inventory is None or listed is None:
        return {}
    found = {gpu.id: device_of(gpu, inventory, listed.devices) for gpu in inventory.gpus}
    return {device.name: gpu for gpu, device in found.items() if isinstance(device, EngineDevice)}


def _id(lain: Lain, names: Mapping[str, str]) -> str:
    return PROCESSOR if _at_home(lain) else names.get(lain.device, lain.device)


def _at_home(lain: Lain) -> bool:
    return lain.device == HOST


def _looked_up_mib(child: Child, snapshot: Snapshot, elsewhere: int) -> int:
    """Where nothing is known of the model, whatever is not most of it."""
    found = snapshot.library.find(child.spec.model) if snapshot.library else None
    if found is None or found.profile is None:
        return elsewhere
    weights = found.profile.weights
    return -(-(weights.embedding + weights.tables) // MIB) + _ROUNDED_MIB
