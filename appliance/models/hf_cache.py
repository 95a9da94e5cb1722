"""A repository in the cache of the Hugging Face tools: `models--org--repo/{blobs,refs,snapshots/<revision>/…}`.

Its files are links to blobs, or, where there are no links (Windows), the files themselves. The revision that `main`
means comes first; of the others only what it does not have is taken, which is decided where names meet.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from appliance.models.files import ENDING, File, Listing, NotThere, NotUsable, Obstacle, in_words, stamp_of
from appliance.models.inside import LEADS_OUT, Fence
from appliance.models.keepers import Keeper
from appliance.models.remembered import Remembered

PREFIX, BLOBS, REFS, SNAPSHOTS = "models--", "blobs", "refs", "snapshots"
MOST_REVISIONS = 100
MOST_FILES = 2000  # of one revision
MAX_DEPTH = 4  # folders inside a repository
LONGEST_REVISION = 200

_SHA256 = re.compile(r"[0-9a-f]{64}")
_REVISION = re.compile(rb"[A-Za-z0-9._-]{1,200}\s*")

GONE = (
    "The Hugging Face cache has its name, but not its file. Fetch it again there; when only a part of the cache is "
    "mounted, mount the whole of it."
)


def remembered_refs() -> Remembered[str | None]:
    return Remembered(_revision, LONGEST_REVISION)


def _revision(data: bytes | None) -> str | None:
    return data.decode().strip() if data and _REVISION.fullmatch(data) else None


class Repository:
    """`root` is the models folder: links may lead to anywhere in it."""

    def __init__(self, folder: Path, depth: int, root: Path, refs: Remembered[str | None]) -> None:
        self._folder, self._depth, self._refs = folder, depth, refs
        self._fence = Fence(folder, root)

    def listed(self) -> Listing:
        listing = Listing()
        try:
            for revision in self._revisions():
                for entry, depth in islice(_model_files(revision, 0), MOST_FILES):
                    self._add(listing, entry, self._depth + 2 + depth)
        except OSError as error:
            listing.obstacles.append(self._obstacle(self._folder / SNAPSHOTS, in_words(error)))
        return listing

    def _revisions(self) -> list[Path]:
        """That of `main`, then the youngest first."""
        with os.scandir(self._folder / SNAPSHOTS) as entries:
            folders = [(e.stat().st_mtime_ns, e.name) for e in entries if e.is_dir(follow_symlinks=False)]
        main = self._main()
        folders.sort(key=lambda f: (f[1] != main, -f[0], f[1]))
        return [self._folder / SNAPSHOTS / name for _, name in folders[:MOST_REVISIONS]]

    def _main(self) -> str | None:
        try:
            return self._refs.look(self._folder / REFS / "main")
        except (NotThere, NotUsable):
            return None

    def _add(self, listing: Listing, entry: os.DirEntry[str], depth: int) -> None:
        path = Path(entry.path)
        try:
            if not self._fence.holds(path):
                raise NotUsable(LEADS_OUT)
            stamp = stamp_of(path)
        except NotThere:
            if not self._on_its_way(path):
                listing.obstacles.append(self._obstacle(path, GONE))
        except NotUsable as trouble:
            listing.obstacles.append(self._obstacle(path, str(trouble)))
        else:
            digest = _blob_digest(path)
            listing.files.append(File(path, depth, stamp, Keeper.HUGGING_FACE, self._folder, digest=digest))

    def _on_its_way(self, path: Path) -> bool:
        blob = _target(path)
        return blob is None or (self._folder / BLOBS / f"{blob}.incomplete").exists()

    def _obstacle(self, path: Path, reason: str) -> Obstacle:
        return Obstacle(path, reason, Keeper.HUGGING_FACE, self._folder)


def _model_files(folder: Path, depth: int) -> Iterator[tuple[os.DirEntry[str], int]]:
    """The tools make no links to folders, so none is followed."""
    with os.scandir(folder) as entries:
        listed = sorted(entries, key=lambda e: e.name)
    for entry in listed:
        if entry.name.startswith("."):
            continue
        if entry.is_dir(follow_symlinks=False):
            if depth < MAX_DEPTH:
                yield from _model_files(folder / entry.name, depth + 1)
        elif entry.name.casefold().endswith(ENDING):
            yield entry, depth


def _target(path: Path) -> str | None:
    """The name of what a link leads to; None when it is none (any more)."""
    try:
        return path.readlink().name
    except OSError:
        return None


def _blob_digest(path: Path) -> str | None:
    """Blobs of large files are called by their checksum."""
    target = _target(path)
    return target if target and _SHA256.fullmatch(target) else None
