"""How a model shall run, by the settings in force."""

from __future__ import annotations

from appliance.hardware.types import Inventory
from appliance.models.types import Library
from appliance.node.snapshot import Snapshot
from appliance.placement.needs import KvType, Wish
from appliance.settings.schema import KvType as KvName
from appliance.settings.schema import ModelSettings, ServingSettings

MOST_CACHE_MIB = 8192
CACHE_SHARE = 10  # one in so many parts of the memory
_NOTHING_OWN = ModelSettings()


def own_settings(model_id: str, serving: ServingSettings) -> ModelSettings:
    return serving.per_model.get(model_id, _NOTHING_OWN)


def wanted_ids(snapshot: Snapshot) -> frozenset[str]:
    """Ids of the models on this box that the settings want served."""
    library, refs = snapshot.library or Library(), snapshot.settings.serving.models
    return frozenset(model.id if (model := library.named(ref)) else ref for ref in refs)


def kv_type(model_id: str, serving: ServingSettings) -> KvName:
    return own_settings(model_id, serving).kv_type or serving.kv_type


def prompt_cache_mib(serving: ServingSettings, inventory: Inventory | None) -> int:
    """How much of the machine's memory a model may keep prompts in; below 0 as long as the memory is not known.

    The engine's own default, 8 GiB, is more than many boxes have free.
    """
    if serving.prompt_cache_mib or inventory is None:
        return serving.prompt_cache_mib or -1
    return max(1, min(MOST_CACHE_MIB, inventory.memory.total // CACHE_SHARE >> 20))


def wished(model_id: str, serving: ServingSettings) -> Wish:
    """What is not set for this model is as for all models."""
    own = own_settings(model_id, serving)
    return Wish(
        context=serving.context if own.context is None else own.context,
        slots=own.slots or serving.slots,
        kv=KvType.named(kv_type(model_id, serving)),
    )
