"""The models in a folder of Ollama: `manifests/<registry>/<namespace>/<model>/<tag>` beside `blobs/sha256-…`."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from appliance.models.files import File, Listing, NotThere, NotUsable, Obstacle, in_words, stamp_of
from appliance.models.inside import LEADS_OUT, Fence
from appliance.models.keepers import Keeper
from appliance.models.ollama_manifest import LARGEST, Layers, Name, Refused, name_of, read_manifest
from appliance.models.remembered import Remembered

BLOBS, MANIFESTS = "blobs", "manifests"
MOST_MODELS = 2000  # of one store
_LEVELS = 4


def remembered_manifests() -> Remembered[Layers | Refused | None]:
    return Remembered(read_manifest, LARGEST)


class Store:
    """One folder of Ollama. `root` is the models folder: links may lead to anywhere in it."""

    def __init__(self, folder: Path, depth: int, root: Path, known: Remembered[Layers | Refused | None]) -> None:
        self._folder, self._depth, self._known = folder, depth, known
        self._fence = Fence(folder, root)

    def listed(self) -> Listing:
        """Of several names for one file that with a tag of its own first, so that the model is called by it."""
        listing = Listing()
        for path, name in islice(self._manifests(self._folder / MANIFESTS, (), listing), MOST_MODELS):
            self._add(listing, path, name)
        listing.files.sort(key=lambda f: (f.projector is None, ":" not in f.name, f.name))
        return listing

    def _add(self, listing: Listing, path: Path, name: Name) -> None:
        place = path
        try:
            layers = self._known.look(path)
            if isinstance(layers, Layers):
                place = self._blob(layers.model)
                listing.files.append(self._file(layers, name))
            elif layers is not None:
                listing.obstacles.append(self._obstacle(path, layers.reason, name, foreign=layers.foreign))
        except NotThere:
            if place != path:
                reason = f"Ollama lists it, but its file is not there. Get it anew with: ollama pull {name.full}"
                listing.obstacles.append(self._obstacle(place, reason, name))
        except NotUsable as trouble:
            listing.obstacles.append(self._obstacle(place, str(trouble), name))

    def _file(self, layers: Layers, name: Name) -> File:
        projector = None if layers.projector is None else self._projector(layers.projector)
        return self._whole(layers.model, name.id, name.also, projector)

    def _projector(self, digest: str) -> File | None:
        """Without it the model is still one for words."""
        try:
            return self._whole(digest, "mmproj", (), None)
        except (NotThere, NotUsable):
            return None

    def _whole(self, digest: str, called: str, also: tuple[str, ...], projector: File | None) -> File:
        path = self._blob(digest)
        stamp = stamp_of(path)
        if not self._fence.holds(path):
            raise NotUsable(LEADS_OUT)
        return File(path, self._depth, stamp, Keeper.OLLAMA, self._folder, called, also, digest, projector)

    def _blob(self, digest: str) -> Path:
        return self._folder / BLOBS / f"sha256-{digest}"

    def _obstacle(self, path: Path, reason: str, name: Name | None = None, *, foreign: bool = False) -> Obstacle:
        return Obstacle(path, reason, Keeper.OLLAMA, self._folder, name.id if name else "ollama", foreign)

    def _manifests(self, folder: Path, names: tuple[str, ...], listing: Listing) -> Iterator[tuple[Path, Name]]:
        """Ollama makes no links here, so none is followed."""
        try:
            with os.scandir(folder) as entries:
                listed = sorted(entries, key=lambda e: e.name)
        except OSError as error:
            listing.obstacles.append(self._obstacle(folder, in_words(error)))
            return
        for entry in listed:
            parts = (*names, entry.name)
            if len(parts) < _LEVELS and entry.is_dir(follow_symlinks=False):
                yield from self._manifests(folder / entry.name, parts, listing)
            elif len(parts) == _LEVELS and entry.is_file(follow_symlinks=False):
                name = name_of(parts)
                if name is not None:
                    yield folder / entry.name, name
