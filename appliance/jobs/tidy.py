"""Clears away what nobody will go on with: parts of downloads that are no more, uploads given up long ago."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Set as AbstractSet
from pathlib import Path

log = logging.getLogger("meshbox.downloads")

UPLOAD = "upload-"
UPLOADS_KEPT_SECONDS = 7 * 86400.0
ENDINGS = frozenset({".part", ".whole", ".mark"})


async def tidy(parts_folder: Path, keys: AbstractSet[str]) -> None:
    """Looks at our own files only; whatever cannot be removed stays."""
    try:
        await asyncio.to_thread(_tidy, parts_folder, keys, time.time())
    except OSError as error:
        log.warning("%s could not be cleared: %s", parts_folder, error)


def _tidy(folder: Path, keys: AbstractSet[str], now: float) -> None:
    if not folder.is_dir():
        return
    for path in folder.iterdir():
        if path.suffix not in ENDINGS or path.stem in keys:
            continue
        if path.stem.startswith(UPLOAD) and now - path.stat().st_mtime < UPLOADS_KEPT_SECONDS:
            continue
        path.unlink(missing_ok=True)
