"""Files that were looked at: which they are, when they change, and why one could not be looked at."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

from appliance.models.keepers import Keeper
from appliance.models.shards import Shard, shard_of

ENDING = ".gguf"


@dataclass(frozen=True, slots=True)
class Stamp:
    """Changes when the file does."""

    size: int
    modified_ns: int
    inode: tuple[int, int]


@dataclass(frozen=True, slots=True)
class File:
    path: Path
    depth: int
    stamp: Stamp
    keeper: Keeper = Keeper.OWNER
    store: Path | None = None  # the folder of a program that keeps what belongs together
    called: str | None = None  # by its keeper; else it is called like its file
    also: tuple[str, ...] = ()  # further names that its keeper knows it by
    digest: str | None = None  # of its content, when its keeper names it by that
    projector: File | None = None  # that its keeper says belongs to it

    @property
    def name(self) -> str:
        return self.called or self.path.name[: -len(ENDING)]

    @property
    def shard(self) -> Shard | None:
        return shard_of(self.name) if self.called is None else None


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that could not be looked at or is not for us, and why."""

    path: Path
    reason: str
    keeper: Keeper = Keeper.OWNER
    store: Path | None = None
    called: str | None = None
    foreign: bool = False  # nothing is wrong with it: it is of a kind that the engine does not take

    @property
    def name(self) -> str:
        return self.called or self.path.name.removesuffix(ENDING)


@dataclass(slots=True)
class Listing:
    files: list[File] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)
    unreadable: str | None = None  # why nothing at all could be seen


class NotThere(Exception):
    """Where a file should be there is none."""


class NotUsable(Exception):
    """The text says why, as a whole sentence."""


def stamp_of(path: str | Path) -> Stamp:
    """Of what a path leads to. Raises NotThere, NotUsable."""
    try:
        info = os.stat(path)  # noqa: PTH116 - called for every file of every scan
    except FileNotFoundError as error:
        raise NotThere from error
    except OSError as error:
        raise NotUsable(in_words(error)) from error
    if not stat.S_ISREG(info.st_mode):
        raise NotUsable("It is not a regular file.")
    return Stamp(info.st_size, info.st_mtime_ns, (info.st_dev, info.st_ino))


def in_words(error: OSError) -> str:
    if isinstance(error, PermissionError):
        return "The user that Meshbox runs as may not read it."
    if isinstance(error, FileNotFoundError):
        return "It is not there."
    if isinstance(error, NotADirectoryError):
        return "It is not a folder."
    return f"It cannot be read: {error.strerror or error}."


def printable(path: Path) -> str:
    """A path that any text may hold; bytes that are no text are replaced."""
    return os.fsencode(path).decode("utf-8", "replace")
