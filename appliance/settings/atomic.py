"""Writing a file so that a crash leaves the old or the new one, whole."""

from __future__ import annotations

import contextlib
import os
import shutil
from pathlib import Path

from appliance.storage.errors import storage_failed


def write_atomically(path: Path, text: str, keep_as: Path | None = None) -> None:
    """Writes beside the old file, flushes to disk, then swaps; the old one stays under `keep_as`."""
    fresh = path.with_name(path.name + ".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if keep_as is not None and path.exists():
            _keep(path, keep_as)
        fresh.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
        raise storage_failed(error, path) from error


def _keep(path: Path, keep_as: Path) -> None:
    """A second name for the file; where the file system knows no such thing, a copy."""
    keep_as.unlink(missing_ok=True)
    try:
        os.link(path, keep_as)
    except OSError:
        shutil.copyfile(path, keep_as)
