"""Which model files lie in a folder, at any depth that makes sense. Looks, never reads; raises nothing."""

from __future__ import annotations

import os
import stat
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ENDING = ".gguf"
MAX_DEPTH = 8  # deeper than the caches of the hub's tools
_NOT_FOR_MODELS = frozenset({"@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found"})  # what file systems and NASes keep


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

    @property
    def name(self) -> str:
        return self.path.name[: -len(ENDING)]


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Something that could not be looked at, and why."""

    path: Path
    reason: str


@dataclass(slots=True)
class Listing:
    files: list[File] = field(default_factory=list)
    obstacles: list[Obstacle] = field(default_factory=list)
    unreadable: str | None = None  # why nothing at all could be seen


def list_files(root: Path) -> Listing:
    """Nearest files first, then by path. Links are followed, each folder once."""
    listing = Listing()
    seen: set[tuple[int, int]] = set()
    waiting = deque([(root, 0)])
    while waiting:
        folder, depth = waiting.popleft()
        try:
            entries = _entries(folder, seen)
        except OSError as error:
            _note(listing, folder, depth, error)
            continue
        for entry in entries:
            if _is_folder(entry):
                if depth < MAX_DEPTH:
                    waiting.append((folder / entry.name, depth + 1))
            elif entry.name.casefold().endswith(ENDING):
                _add_file(listing, entry, depth)
    return listing


def _entries(folder: Path, seen: set[tuple[int, int]]) -> list[os.DirEntry[str]]:
    """What lies in a folder, sorted; nothing when the folder was seen before."""
    info = folder.stat()
    if (info.st_dev, info.st_ino) in seen:
        return []
    seen.add((info.st_dev, info.st_ino))
    with os.scandir(folder) as entries:
        return sorted(_visible(entries), key=lambda e: e.name)


def _visible(entries: Iterator[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
    """Hidden ones are left out: unfinished downloads and the companion files of other systems hide there."""
    return (e for e in entries if not e.name.startswith(".") and e.name not in _NOT_FOR_MODELS)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _add_file(listing: Listing, entry: os.DirEntry[str], depth: int) -> None:
    path = Path(entry.path)
    try:
        info = entry.stat()
    except FileNotFoundError:
        if entry.is_symlink():
            listing.obstacles.append(Obstacle(path, "It is a link to a file that is not there."))
    except OSError as error:
        listing.obstacles.append(Obstacle(path, in_words(error)))
    else:
        if stat.S_ISREG(info.st_mode):
            stamp = Stamp(info.st_size, info.st_mtime_ns, (info.st_dev, info.st_ino))
            listing.files.append(File(path, depth, stamp))
        else:
            listing.obstacles.append(Obstacle(path, "It is not a regular file."))


def _note(listing: Listing, folder: Path, depth: int, error: OSError) -> None:
    if depth == 0:
        listing.unreadable = f"{printable(folder)}: {in_words(error)}"
    elif not isinstance(error, FileNotFoundError):
        listing.obstacles.append(Obstacle(folder, in_words(error)))


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
