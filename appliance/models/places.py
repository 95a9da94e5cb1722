"""Where fetched files go: their place below the models folder. Pure.

The names come from hubs and users: nothing in them is believed, and no name leads out of the models folder.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import PurePosixPath

from appliance.models.choice import RemoteFile
from appliance.models.failed import ModelProblem
from appliance.models.refs import ENDING

LONGEST_NAME = 200  # bytes; file systems take 255

_NOT_IN_NAMES = re.compile(r'[\x00-\x1f\x7f<>:"/\\|?*]')


class BadName(ModelProblem):
    """No file can have this name here."""

    def __init__(self, detail: str) -> None:
        super().__init__("bad_name", detail)


def targets(repo: str, listing: Iterable[RemoteFile], files: Iterable[RemoteFile]) -> dict[str, PurePosixPath]:
    """For each file its place below the models folder: one folder a repository, with the repository's file names.

    Folders inside the repository are kept only where two files would otherwise have the same name: a model and its
    companion belong side by side.
    """
    folder = safe_name(repo.replace("/", "--"))
    names = Counter(f.path.rpartition("/")[2].casefold() for f in listing if f.path.casefold().endswith(ENDING))
    return {f.path: PurePosixPath(folder, *_parts(f.path, names)) for f in files}


def _parts(path: str, names: Counter[str]) -> list[str]:
    *folders, name = path.split("/")
    kept = folders if names[name.casefold()] > 1 else []
    return [safe_name(part) for part in (*kept, name)]


def safe_name(name: str) -> str:
    """A name that is one on every file system, is not hidden and leads nowhere. Raises BadName."""
    safe = "".join(c if c.isprintable() else "_" for c in _NOT_IN_NAMES.sub("_", name)).strip()
    if safe.startswith("."):
        safe = f"_{safe[1:]}"
    if not 0 < len(safe.encode()) <= LONGEST_NAME or safe.endswith("."):
        shown = repr(name if len(name) <= 80 else f"{name[:80]}…")
        raise BadName(f"The name {shown} cannot be given to a file here.")
    return safe
