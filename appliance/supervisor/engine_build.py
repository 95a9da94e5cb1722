"""What a build of the engine can do that llama.cpp alone cannot, and which of its parts suit this machine.

An engine that is told nothing opens each variant of each of its parts, to ask how well it suits the processor. What the
first one came to is named to all that follow; one whose named file is gone or does not suit looks for itself.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

ENDS_WITH_PARENT = "ends-with-parent"
_PREFIX, _SUFFIX = "libggml-", ".so"
_COMMON = "base"  # linked to, not chosen


class EngineBuild:
    """`folder` holds the engine. Reading is for a thread."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.features: frozenset[str] = frozenset()
        self.parts: tuple[str, ...] = ()

    def read(self) -> None:
        """What it says of itself; an engine of somebody else says nothing."""
        try:
            said = json.loads((self.folder / "engine.json").read_text(encoding="utf-8"))["features"]
        except (OSError, ValueError, KeyError, TypeError):
            return
        self.features = frozenset(str(name) for name in said) if isinstance(said, list) else frozenset()

    def learn(self, pid: int) -> None:
        """Looks which parts an engine that answers has chosen; once is enough."""
        if self.parts:
            return
        try:
            mapped = Path(f"/proc/{pid}/maps").read_text(encoding="utf-8", errors="replace")
            present = [path.name for path in self.folder.glob(f"{_PREFIX}*{_SUFFIX}")]
        except OSError:
            return
        self.parts = chosen(mapped, self.folder, present)


def chosen(mapped: str, folder: Path, present: Iterable[str]) -> tuple[str, ...]:
    """The files among `present` that a process has mapped. None when a kind of part is missing: a driver that was not
    there yet may be there next time. And none when two of a kind are left: one that was only asked may stay mapped."""
    names = {name for name in present if _kind(name) != _COMMON}
    places = {Path(words[5]) for line in mapped.splitlines() if len(words := line.split(maxsplit=5)) > 5}
    found = sorted(place.name for place in places if place.parent == folder and place.name in names)
    kinds = {_kind(name) for name in found}
    if ":" in str(folder) or kinds != {_kind(name) for name in names} or len(kinds) < len(found):
        return ()
    return tuple(str(folder / name) for name in found)


def _kind(name: str) -> str:
    return name.removeprefix(_PREFIX).removesuffix(_SUFFIX).split("-")[0]
