"""Is the engine there, and does it run?"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def engine_trouble(folder: Path) -> str | None:
    """What is wrong with the engine's folder, in words; None when llama-server starts."""
    server = folder / "llama-server"
    if not server.is_file():
        return f"There is no llama-server in {folder}."
    if not os.access(server, os.X_OK):
        return f"{server} may not be executed."
    try:
        result = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=20, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return f"{server} does not start: {error}"
    if result.returncode != 0:
        return f"{server} does not start: {(result.stderr or result.stdout).strip()[-300:]}"
    return None
