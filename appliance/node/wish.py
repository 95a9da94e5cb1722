"""How a model shall run, by the settings in force."""

from __future__ import annotations

from appliance.placement.needs import KvType, Wish
from appliance.settings.schema import KvType as KvName
from appliance.settings.schema import ModelSettings, ServingSettings

_NOTHING_OWN = ModelSettings()


def own_settings(model_id: str, serving: ServingSettings) -> ModelSettings:
    return serving.per_model.get(model_id, _NOTHING_OWN)


def kv_type(model_id: str, serving: ServingSettings) -> KvName:
    return own_settings(model_id, serving).kv_type or serving.kv_type


def wished(model_id: str, serving: ServingSettings) -> Wish:
    """What is not set for this model is as for all models."""
    own = own_settings(model_id, serving)
    return Wish(
        context=serving.context if own.context is None else own.context,
        slots=own.slots or serving.slots,
        kv=KvType.named(kv_type(model_id, serving)),
    )
