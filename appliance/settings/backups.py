"""The last documents, each as a file of its own that can also be imported on another box.

For a thread: it reads and writes files.
"""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from appliance.settings.atomic import write_atomically
from appliance.settings.difference import Change, differences, plain
from appliance.settings.exchange import MOST_BYTES, BadFile, Exported, exported, proposal, read_file
from appliance.settings.schema import Settings

KEPT = 10
_NAME = re.compile(r"settings-(\d{1,15})\.json")


@dataclass(frozen=True, slots=True)
class Backup:
    revision: int
    made_at: float
    settings: Settings
    changes: tuple[Change, ...]  # against the one before; none are known of the oldest


class Backups:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, settings: Settings, made_at: float) -> None:
        """Adds a document and forgets the oldest; raises StorageFailed."""
        text = json.dumps(exported(settings, made_at), indent=2, ensure_ascii=False) + "\n"
        write_atomically(self._path(settings.revision), text)
        for revision in self._revisions()[KEPT:]:
            with contextlib.suppress(OSError):
                self._path(revision).unlink(missing_ok=True)

    def holds(self, settings: Settings) -> bool:
        """Whether the newest backup says the same."""
        newest = next((file for revision in self._revisions()[:1] if (file := self.read(revision))), None)
        return newest is not None and newest.settings == plain(settings)

    def read(self, revision: int) -> Exported | None:
        """None when there is none, or none that can be read."""
        path = self._path(revision)
        try:
            if path.stat().st_size > MOST_BYTES:
                return None
            return read_file(path.read_bytes())
        except (OSError, BadFile):
            return None

    def all(self) -> tuple[Backup, ...]:
        """The newest first; files that make no sense are passed over."""
        found: list[Backup] = []
        for revision in reversed(self._revisions()[:KEPT]):
            file = self.read(revision)
            settings = None if file is None else _settings(file)
            if file is not None and settings is not None:
                changes = differences(found[-1].settings, settings) if found else ()
                found.append(Backup(revision, file.made_at or 0.0, settings, changes))
        return tuple(reversed(found))

    def _revisions(self) -> list[int]:
        """The newest first."""
        try:
            names = [_NAME.fullmatch(path.name) for path in self._folder.iterdir()]
        except OSError:
            return []
        return sorted((int(name[1]) for name in names if name is not None), reverse=True)

    def _path(self, revision: int) -> Path:
        return self._folder / f"settings-{revision}.json"


def _settings(file: Exported) -> Settings | None:
    try:
        return proposal(Settings(), file.settings, ()).settings
    except ValidationError:
        return None
