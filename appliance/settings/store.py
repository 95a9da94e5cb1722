"""Keeps the settings document: read at start, changed under a revision guard, written atomically with backups.

A document that cannot be read is kept aside, never overwritten; the box then starts with the backup or the defaults.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from appliance.settings.atomic import write_atomically
from appliance.settings.backups import Backups
from appliance.settings.exchange import FORMAT, Proposal, proposal, read_file
from appliance.settings.merging import merge, overlay, value_at, without
from appliance.settings.schema import Settings
from appliance.storage.errors import StorageFailed

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
        self.backups = Backups(path.parent / "backups")

    @property
    def current(self) -> Settings:
        return overlay(self._stored, self._locked)

    @property
    def stored(self) -> Settings:
        """Without what the environment fixes."""
        return self._stored

    @property
    def locked(self) -> frozenset[str]:
        return frozenset(self._locked)

    async def change(self, patch: Mapping[str, object], revision: int | None, *, ahead: bool = False) -> Settings:
        """Merges `patch` into the document and stores it; nothing changes when it cannot be stored.

        `ahead` is for what takes long to come about and is soon undone: it is told while it is written, and taken back
        should that fail. Who asked for it hears of it only when it is stored.
        """

        def merged(stored: Settings) -> Settings:
            touched = [name for name in self._locked if value_at(patch, name) not in (None, self._locked[name])]
            if touched:
                raise LockedField(touched)
            return Settings.model_validate(merge(stored.model_dump(mode="json"), without(patch, self._locked)))

        await self._swap(merged, revision, ahead=ahead)
        return self.current

    def propose(self, given: Mapping[str, object]) -> Proposal:
        """What `take_over` would do with the fields of a file."""
        return proposal(self._stored, given, self.locked)

    async def take_over(self, given: Mapping[str, object], revision: int | None) -> Proposal:
        """Puts the fields of a file in place of those that are set: all of them or none."""
        done: list[Proposal] = []

        def replaced(stored: Settings) -> Settings:
            done.append(proposal(stored, given, self.locked))
            return done[0].settings

        await self._swap(replaced, revision)
        return done[0]

    async def _swap(self, make: Callable[[Settings], Settings], revision: int | None, *, ahead: bool = False) -> None:
        async with self._writing:
            former = self._stored
            if revision is not None and revision != former.revision:
                raise StaleRevision(revision, former.revision)
            wanted = make(former).model_copy(update={"revision": former.revision + 1})
            if ahead:
                self._changed(overlay(wanted, self._locked))
            try:
                await self._write(former, wanted)
                self._stored = wanted
            finally:
                if ahead or self._stored is wanted:
                    self._changed(self.current)

    async def _write(self, former: Settings, document: Settings) -> None:
        """Stores, and tells whether storing works: a full disk shall be known before the next change is made."""
        try:
            await asyncio.to_thread(write_document, self._path, document)
        except StorageFailed as failure:
            self._wrote(failure)
            raise
        self._wrote(await asyncio.to_thread(self._back_up, former, document))

    def _back_up(self, former: Settings, document: Settings) -> StorageFailed | None:
        """Never in the way of a change that is stored already."""
        try:
            if not self.backups.holds(former):
                self.backups.keep(former, _written_at(_backup(self._path)))
            if not self.backups.holds(document):
                self.backups.keep(document, time.time())
        except StorageFailed as failure:
            return failure
        return None


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
    """A crash leaves the old or the new one, whole."""
    text = json.dumps(settings.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"
    write_atomically(path, text, keep_as=_backup(path) if keep_backup else None)


def _written_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return time.time()


def first_document(given: str | None) -> Settings:
    """The settings of a first start: those of MESHBOX_SETTINGS, JSON or the name of a file; else the defaults.

    A file that was downloaded on the settings page does as well.
    """
    if given is None:
        return Settings()
    text = given if given.lstrip().startswith("{") else Path(given).read_text(encoding="utf-8-sig")
    document = json.loads(text)
    if isinstance(document, dict) and document.get("format") == FORMAT:
        document = dict(read_file(text.encode()).settings)
    return Settings.model_validate(document | {"revision": 0})
