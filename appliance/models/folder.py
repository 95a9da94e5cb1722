"""Which model files lie in a folder, at any depth that makes sense. Looks, never writes; raises nothing.

Folders of Ollama and of the Hugging Face tools are known by their build, wherever they lie, and read as they are meant.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from appliance.models import hf_cache, ollama
from appliance.models.files import ENDING, File, Listing, NotThere, NotUsable, Obstacle, in_words, printable, stamp_of
from appliance.models.keepers import Keeper, keeper_of
from appliance.models.ollama_manifest import Layers, Refused
from appliance.models.remembered import Remembered

MAX_DEPTH = 8  # deeper than the caches of the hub's tools
_NOT_FOR_MODELS = frozenset({"@eaDir", "#recycle", "$RECYCLE.BIN", "lost+found"})  # what file systems and NASes keep
# Hidden folders are left out: unfinished downloads and the companion files of other systems hide there. These places
# in them are where other programs keep their models.
_HIDDEN_PLACES = {
    ".ollama": ("models",),
    ".lmstudio": ("models",),
    ".cache": ("huggingface/hub", "lm-studio/models"),
}


@dataclass(frozen=True, slots=True)
class Stores:
    """What is remembered of the lists that other programs keep."""

    manifests: Remembered[Layers | Refused | None] = field(default_factory=ollama.remembered_manifests)
    refs: Remembered[str | None] = field(default_factory=hf_cache.remembered_refs)

    def forget_unseen(self) -> None:
        self.manifests.forget_unseen()
        self.refs.forget_unseen()


def list_files(root: Path, stores: Stores | None = None) -> Listing:
    """The owner's files first, then those of other programs, those with a name of their own before those without;
    nearest first, then by path. Links are followed, each folder once."""
    walk = _Walk(root, stores or Stores())
    while walk.waiting:
        walk.enter(*walk.waiting.popleft())
    walk.listing.files.sort(key=lambda file: (file.keeper is not Keeper.OWNER, file.called is not None))
    return walk.listing


class _Walk:
    def __init__(self, root: Path, stores: Stores) -> None:
        self.listing = Listing()
        self.waiting = deque([(root, 0)])
        self._root = root
        self._stores = stores
        self._seen: set[tuple[int, int]] = set()

    def enter(self, folder: Path, depth: int) -> None:
        try:
            entries = self._entries(folder)
        except OSError as error:
            self._note(folder, depth, error)
            return
        kept = self._kept(folder, depth, {entry.name for entry in entries})
        for entry in entries:
            if entry.name in kept:
                continue
            if _is_folder(entry):
                self._later(folder, entry.name, depth)
            elif entry.name.casefold().endswith(ENDING) and not entry.name.startswith("."):
                self._add_file(Path(entry.path), depth)

    def _entries(self, folder: Path) -> list[os.DirEntry[str]]:
        """What lies in a folder, sorted; nothing when the folder was seen before."""
        info = folder.stat()
        if (info.st_dev, info.st_ino) in self._seen:
            return []
        self._seen.add((info.st_dev, info.st_ino))
        with os.scandir(folder) as entries:
            return sorted(_visible(entries), key=lambda e: e.name)

    def _kept(self, folder: Path, depth: int, names: set[str]) -> set[str]:
        """What of a folder's content another program keeps there; it is listed here."""
        if {ollama.MANIFESTS, ollama.BLOBS} <= names:
            store = ollama.Store(folder, depth, self._root, self._stores.manifests)
            self._take(store.listed())
            return {ollama.MANIFESTS, ollama.BLOBS}
        if folder.name.startswith(hf_cache.PREFIX) and hf_cache.SNAPSHOTS in names:
            repository = hf_cache.Repository(folder, depth, self._root, self._stores.refs)
            self._take(repository.listed())
            return {hf_cache.BLOBS, hf_cache.REFS, hf_cache.SNAPSHOTS}
        return set()

    def _take(self, found: Listing) -> None:
        self.listing.files += found.files
        self.listing.obstacles += found.obstacles

    def _later(self, folder: Path, name: str, depth: int) -> None:
        places = _HIDDEN_PLACES.get(name, ()) if name.startswith(".") else ("",)
        for place in places:
            deeper = depth + 1 + place.count("/") + bool(place)
            if deeper <= MAX_DEPTH:
                self.waiting.append((folder / name / place, deeper))

    def _add_file(self, path: Path, depth: int) -> None:
        try:
            stamp = stamp_of(path)
        except NotThere:
            if path.is_symlink():
                self.listing.obstacles.append(Obstacle(path, "It is a link to a file that is not there."))
        except NotUsable as trouble:
            self.listing.obstacles.append(Obstacle(path, str(trouble)))
        else:
            self.listing.files.append(File(path, depth, stamp, keeper_of(path.parts)))

    def _note(self, folder: Path, depth: int, error: OSError) -> None:
        if depth == 0:
            self.listing.unreadable = f"{printable(folder)}: {in_words(error)}"
        elif not isinstance(error, FileNotFoundError):
            self.listing.obstacles.append(Obstacle(folder, in_words(error)))


def _visible(entries: Iterator[os.DirEntry[str]]) -> Iterator[os.DirEntry[str]]:
    return (
        e for e in entries if (not e.name.startswith(".") or e.name in _HIDDEN_PLACES) and e.name not in _NOT_FOR_MODELS
    )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False
