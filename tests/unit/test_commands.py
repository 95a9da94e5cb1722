"""The command line stays small and quick."""

from __future__ import annotations

import subprocess
import sys


def test_a_health_check_does_not_load_the_whole_box() -> None:
    """It runs every few seconds on machines that have better things to do."""
    code = "import sys, appliance.__main__; print(*({'litestar', 'aiohttp', 'granian'} & set(sys.modules)))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
