"""Putting documents together by dotted names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from appliance.settings.schema import Settings


def merge(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Objects are merged, everything else is replaced."""
    merged = dict(old)
    for key, value in patch.items():
        before = merged.get(key)
        merged[key] = merge(before, value) if isinstance(before, Mapping) and isinstance(value, Mapping) else value
    return merged


def without(patch: Mapping[str, Any], names: Mapping[str, object]) -> dict[str, Any]:
    """The patch less the dotted names given."""
    kept: dict[str, Any] = {}
    for key, value in patch.items():
        below = {n.removeprefix(key + "."): v for n, v in names.items() if n.startswith(key + ".")}
        if key not in names:
            kept[key] = without(value, below) if below and isinstance(value, Mapping) else value
    return kept


def overlay(settings: Settings, locked: Mapping[str, object]) -> Settings:
    document = settings.model_dump()
    for name, value in locked.items():
        *sections, field = name.split(".")
        target = document
        for section in sections:
            target = target[section]
        target[field] = value
    return Settings.model_validate(document)


def value_at(document: Mapping[str, Any], name: str) -> object:
    value: Any = document
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
