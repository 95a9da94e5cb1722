"""Whether a path stays where it seems to be, wherever its links lead."""

from __future__ import annotations

import os
from pathlib import Path

LEADS_OUT = "It is a link that leads out of the folder it lies in, so it is left alone."


class Fence:
    """Around some folders."""

    def __init__(self, *folders: Path) -> None:
        self._roots = tuple(os.path.realpath(folder).rstrip(os.sep) + os.sep for folder in folders)

    def holds(self, path: Path) -> bool:
        return os.path.realpath(path).startswith(self._roots)
