"""Whether there is room for what is to be fetched."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from appliance.models.failed import ModelProblem

MARGIN = 256 << 20  # left free for everything else that is written

FreeBytes = Callable[[Path], int]


class NoRoom(ModelProblem):
    """The text says how much is needed and how much is there."""

    def __init__(self, detail: str) -> None:
        super().__init__("disk_full", detail)


def free_bytes(folder: Path) -> int:
    """Of the disk that a folder lies on, as far as this process may use it."""
    facts = os.statvfs(folder)
    return facts.f_bavail * facts.f_frsize


def check_room(folder: Path, needed: int, free: FreeBytes = free_bytes) -> None:
    """Raises NoRoom."""
    there = free(folder)
    if needed + MARGIN > there:
        raise NoRoom(
            f"The disk of the models folder is too full: {in_units(needed)} are to be written, {in_units(there)} are "
            f"free, and {in_units(MARGIN)} of them stay free. Delete models that are not used, or add space."
        )


def in_units(count: int) -> str:
    """As the pages write sizes."""
    return f"{count / (1 << 30):.1f} GiB" if count >= 1 << 30 else f"{-(-count // (1 << 20))} MiB"
