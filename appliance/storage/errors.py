"""Why something could not be stored."""

from __future__ import annotations

import errno
from pathlib import Path

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


class StorageFailed(Exception):
    """Nothing was stored and nothing stored before was lost. `code` is disk_full or not_writable."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code, self.detail = code, detail


def storage_failed(error: OSError, path: Path) -> StorageFailed:
    code = "disk_full" if error.errno in FULL else "not_writable"
    return StorageFailed(code, f"{path} could not be written: {error.strerror or error}")
