"""The files that Meshbox fetched into the models folder: what they are, and their removal.

Only they are ever removed. Files that a person put there himself are his.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sqlite3
from collections.abc import Iterable
from dataclasses import astuple, dataclass, fields, replace
from pathlib import Path, PurePosixPath

from appliance.models.choice import is_companion_name
from appliance.models.failed import ModelProblem
from appliance.models.refs import ENDING
from appliance.models.shards import missing_names, shard_of
from appliance.models.transfer import disk_failed
from appliance.models.types import BrokenFile, Capability, Library, Model
from appliance.storage.database import Database
from appliance.storage.errors import StorageFailed

log = logging.getLogger("meshbox.models")

UPLOADED = "upload"  # in place of the repository or the host


@dataclass(frozen=True, slots=True)
class ManagedFile:
    path: str  # below the models folder, with slashes
    size: int
    sha256: str | None
    source: str  # the repository, the host, or UPLOADED
    revision: str | None
    fetched_at: float
    told: str = ""  # what the hub said the model can do: capabilities by their values, with spaces between


@dataclass(frozen=True, slots=True)
class Removal:
    """The files of one model."""

    model: str
    files: tuple[ManagedFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size for file in self.files)


_COLUMNS = ", ".join(f.name for f in fields(ManagedFile))


class Shelf:
    def __init__(self, database: Database, models_folder: Path) -> None:
        self._database = database
        self._folder = models_folder.absolute()
        self._files: dict[str, ManagedFile] = {}
        self.touched = asyncio.Event()  # files came or went: the library is to be looked through

    async def open(self) -> None:
        try:
            rows = await self._database.read(lambda c: c.execute(f"SELECT {_COLUMNS} FROM managed_files").fetchall())  # noqa: S608
        except StorageFailed as failure:
            log.error("which files were fetched by Meshbox could not be read: %s", failure)
            return
        self._files = {row[0]: ManagedFile(*row) for row in rows}

    def managed(self, path: str) -> ManagedFile | None:
        return self._files.get(path)

    def of_path(self, path: str) -> ManagedFile | None:
        """By the whole path, as the library has it."""
        relative = self._relative(path)
        return None if relative is None else self._files.get(relative)

    def told_of(self, path: str) -> tuple[Capability, ...]:
        """What the hub said of a file when it was fetched; for the scanner, from its thread."""
        file = self.of_path(path)
        said = set() if file is None else set(file.told.split())
        return tuple(capability for capability in Capability if capability.value in said)

    async def add(self, files: Iterable[ManagedFile]) -> None:
        """A disk that is full costs the memory of who fetched it, not the file."""
        rows = list(files)
        self._files |= {file.path: file for file in rows}
        self.touched.set()
        marks = ", ".join("?" for _ in fields(ManagedFile))

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany(
                f"INSERT OR REPLACE INTO managed_files ({_COLUMNS}) VALUES ({marks})",  # noqa: S608 - our own words
                [astuple(file) for file in rows],
            )

        try:
            await self._database.write(write)
        except StorageFailed as failure:
            log.error("that files were fetched by Meshbox could not be stored: %s", failure)

    async def removal(self, model: str, library: Library) -> Removal:
        """What goes when a model goes. Raises ModelProblem when not all of it is ours."""
        found = _found(model, library)
        if found is None:
            raise ModelProblem("unknown_model", f"There is no model {model!r} on this box.")
        first = self._relative(found.path)
        if first is None or first not in self._files:
            raise _not_managed(model, found)
        names = _all_parts(first)
        for name in names:
            path = self._folder / name
            if name not in self._files and await asyncio.to_thread(path.exists):
                raise _not_managed(model, replace(found, path=str(path)))
        parts = [self._files[name] for name in names if name in self._files]
        return Removal(model, (*parts, *self._lonely_companions(first, names)))

    def _lonely_companions(self, first: str, names: list[str]) -> list[ManagedFile]:
        """Companions in the same folder that no other model there needs."""
        folder = str(PurePosixPath(first).parent)
        beside = [
            f for f in self._files.values() if str(PurePosixPath(f.path).parent) == folder and f.path not in names
        ]
        others = [f for f in beside if not is_companion_name(f.path)]
        return [] if others or folder == "." else beside

    async def remove(self, removals: Iterable[Removal]) -> None:
        """Raises ModelProblem when the disk does not let go of a file."""
        for removal in removals:
            names = [file.path for file in removal.files]
            try:
                await asyncio.to_thread(self._unlink, names)
            except OSError as error:
                raise disk_failed(error) from error
            finally:
                self.touched.set()
            await self._forget(names)
            log.info("removed %s: %s", removal.model, ", ".join(names))

    def _unlink(self, names: list[str]) -> None:
        for name in names:
            (self._folder / name).unlink(missing_ok=True)
        for folder in {(self._folder / name).parent for name in names}:
            if folder != self._folder:
                with contextlib.suppress(OSError):  # something else lies in it
                    folder.rmdir()

    async def _forget(self, names: list[str]) -> None:
        for name in names:
            self._files.pop(name, None)

        def write(connection: sqlite3.Connection) -> None:
            connection.executemany("DELETE FROM managed_files WHERE path = ?", [(name,) for name in names])

        try:
            await self._database.write(write)
        except StorageFailed as failure:
            log.error("that files were removed could not be stored: %s", failure)

    def _relative(self, path: str) -> str | None:
        try:
            return Path(path).relative_to(self._folder).as_posix()
        except ValueError:
            return None


def _found(model: str, library: Library) -> Model | BrokenFile | None:
    listed: tuple[Model | BrokenFile, ...] = (*library.models, *library.broken)
    return next((one for one in listed if one.id == model), None)


def _all_parts(first: str) -> list[str]:
    shard = shard_of(first[: -len(ENDING)])
    return [first] if shard is None else [name + ENDING for name in missing_names(shard, ())]


def _not_managed(model: str, found: Model | BrokenFile) -> ModelProblem:
    if found.keeper.program is not None:
        detail = (
            f"{model} belongs to {found.keeper.program}, so it is not removed here. Remove it there if you want to."
        )
    elif isinstance(found, Model) and found.bundled:
        detail = f"{model} comes with Meshbox and stays: it is what a box answers with when nothing else can."
    else:
        detail = f"{found.path} was not fetched by Meshbox, so it is not removed. Remove it yourself if you want to."
    return ModelProblem("not_managed", detail)
