"""Ends engines that an earlier run of this box left behind.

The kernel ends engines with their supervisor already; this catches what slips through (a system without
`setpriv`, a moment's race). Every engine carries its box's id in its environment, and the box holds the lock of
its data folder, so whoever carries our mark now is an orphan.
"""

from __future__ import annotations

import logging
import os
import signal
from pathlib import Path

from appliance.supervisor.llama_server import OWNER_MARK

log = logging.getLogger(__name__)


def end_orphans(owner: str, proc: Path = Path("/proc")) -> list[int]:
    """Kills every process marked as an engine of `owner`; returns their ids."""
    mark = f"{OWNER_MARK}={owner}".encode()
    orphans = [pid for pid in _process_ids(proc) if _carries(proc / str(pid) / "environ", mark)]
    for pid in orphans:
        log.warning("ending engine process %d, left behind by an earlier run", pid)
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    return orphans


def _process_ids(proc: Path) -> list[int]:
    own = os.getpid()
    return sorted(int(e.name) for e in proc.iterdir() if e.name.isdigit() and int(e.name) != own)


def _carries(environ: Path, mark: bytes) -> bool:
    try:
        return mark in environ.read_bytes().split(b"\0")
    except OSError:
        return False
