"""Makes the environment of the clients, once for each lock file; it lies with the other things worth keeping."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from native.build import alone

HERE = Path(__file__).parent
LOCK = HERE / "requirements.lock"
FINISHED = ".finished"
KEPT = 2


def clients_python(cache: Path) -> Path:
    """The interpreter that has the clients."""
    name = f"clients-{hashlib.sha256(LOCK.read_bytes() + sys.version.encode()).hexdigest()[:16]}"
    folder = cache / name
    python = folder / "bin" / "python"
    with alone(cache):
        if not (folder / FINISHED).exists():
            _forget_old(cache)
            _make(folder, python)
    return python


def _forget_old(cache: Path) -> None:
    """The cache is shared by branches."""
    made = sorted(cache.glob("clients-*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for old in made[KEPT - 1 :]:
        shutil.rmtree(old)


def _make(folder: Path, python: Path) -> None:
    uv = str(Path(sys.executable).with_name("uv"))
    subprocess.run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(folder)], check=True)
    install = ("pip", "install", "--quiet", "--python", str(python), "--require-hashes", "-r", str(LOCK))
    subprocess.run([uv, *install], check=True)
    (folder / FINISHED).touch()
