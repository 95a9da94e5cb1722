"""Keeps the settings document: read at start, changed under a revision guard, written atomically with a backup.

A document that cannot be read is kept aside, never overwritten; the box then starts with the backup or the defaults.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from appliance.settings.schema import Settings
from appliance.storage.errors import StorageFailed, storage_failed

log = logging.getLogger("meshbox.settings")


class StaleRevision(Exception):
    """Somebody else changed the settings in between."""

    def __init__(self, given: int, current: int) -> None:
        super().__init__(f"The settings are at revision {current}; the change was made from revision {given}.")
        self.given, self.current = given, current


class LockedField(Exception):
    """The change touches fields that the environment fixes."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(f"Fixed by the environment of the process: {', '.join(names)}.")
        self.names = names


@dataclass(frozen=True, slots=True)
class Loaded:
    settings: Settings
    trouble: str | None = None  # what was wrong with the stored document


class SettingsStore:
    """`locked` maps dotted names to values that the environment fixes; they are in force but never stored.

    `changed` is told the settings in force after a change, `wrote` how each attempt to store went.
    """

    def __init__(
        self,
        path: Path,
        stored: Settings,
        locked: Mapping[str, object],
        changed: Callable[[Settings], None],
        wrote: Callable[[StorageFailed | None], None],
    ) -> None:
        self._path = path
        self._stored = stored
        self._locked = dict(locked)
        self._changed = changed
        self._wrote = wrote
        self._writing = asyncio.Lock()

    @property
    def current(self) -> Settings:
        return overlay(self._stored, self._locked)

    @property
    def locked(self) -> frozenset[str]:
        return frozenset(self._locked)

    async def change(self, patch: Mapping[str, object], revision: int | None) -> Settings:
        """Merges `patch` into the document and stores it; nothing changes when it cannot be stored."""
        async with self._writing:
            if revision is not None and revision != self._stored.revision:
                raise StaleRevision(revision, self._stored.revision)
            touched = [name for name in self._locked if _get(patch, name) not in (None, self._locked[name])]
            if touched:
                raise LockedField(touched)
            document = merge(self._stored.model_dump(mode="json"), without(patch, self._locked))
            changed = Settings.model_validate(document | {"revision": self._stored.revision + 1})
            await self._write(changed)
            self._stored = changed
        self._changed(self.current)
        return self.current

    async def _write(self, document: Settings) -> None:
        """Stores, and tells whether storing works: a full disk shall be known before the next change is made."""
        try:
            await asyncio.to_thread(write_document, self._path, document)
        except StorageFailed as failure:
            self._wrote(failure)
            raise
        self._wrote(None)


def load(path: Path, first: Settings) -> Loaded:
    """The stored document; `first` when there is none yet."""
    try:
        return Loaded(_read(path))
    except FileNotFoundError:
        return Loaded(first)
    except (OSError, ValueError) as error:
        return _recover(path, first, _reason(error))


def _recover(path: Path, first: Settings, reason: str) -> Loaded:
    aside = path.with_name(f"{path.stem}.broken-{time.strftime('%Y%m%d-%H%M%S')}{path.suffix}")
    trouble = f"{path} could not be read ({reason})."
    try:
        path.rename(aside)
        trouble += f" It was kept as {aside.name}."
    except OSError as error:
        trouble += f" It could not be moved aside: {error}."
    try:
        settings = _read(_backup(path))
        write_document(path, settings, keep_backup=False)
        return Loaded(settings, trouble + " The last backup is in force.")
    except (OSError, ValueError, StorageFailed):
        return Loaded(first, trouble + " There is no backup: the defaults are in force.")


def _read(path: Path) -> Settings:
    return Settings.model_validate(json.loads(path.read_text(encoding="utf-8")))


def _reason(error: Exception) -> str:
    if isinstance(error, ValidationError):
        first = error.errors(include_url=False)[0]
        return f"{'.'.join(str(p) for p in first['loc']) or 'document'}: {first['msg']}"
    return str(error)


def _backup(path: Path) -> Path:
    return path.with_name(path.name + ".bak")


def write_document(path: Path, settings: Settings, *, keep_backup: bool = True) -> None:
    """Writes beside the old file, flushes to disk, then swaps: a crash leaves the old or the new one, whole."""
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as file:
            file.write(json.dumps(settings.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n")
            file.flush()
            os.fsync(file.fileno())
        if keep_backup and path.exists():
            backup = _backup(path)
            backup.unlink(missing_ok=True)
            os.link(path, backup)
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise storage_failed(error, path) from error


def first_document(given: str | None) -> Settings:
    """The settings of a first start: those of MESHBOX_SETTINGS, JSON or the name of a file; else the defaults."""
    if given is None:
        return Settings()
    text = given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8")
    return Settings.model_validate(json.loads(text) | {"revision": 0})


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


def _get(document: Mapping[str, Any], name: str) -> object:
    value: Any = document
    for part in name.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    return value
