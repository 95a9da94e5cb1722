"""Programs that do one thing and end."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from appliance.supervisor.tool import ToolFailed, run_tool

SHELL = ("/bin/sh", "-c")


async def test_what_it_wrote_comes_back() -> None:
    """From its standard output alone, with the environment it was given."""
    output = await run_tool((*SHELL, "echo $OWN; echo aside >&2"), {"OWN": "x", "PATH": "/bin:/usr/bin"}, 20)
    assert output == "x\n"


async def test_it_gets_the_descriptors_it_is_handed(tmp_path: Path) -> None:
    """Under the same numbers."""
    (tmp_path / "file").write_text("inside")
    descriptor = os.open(tmp_path / "file", os.O_RDONLY)
    try:
        assert await run_tool(("/bin/cat", f"/proc/self/fd/{descriptor}"), {}, 20, [descriptor]) == "inside"
    finally:
        os.close(descriptor)


async def test_an_error_is_told_with_its_last_words() -> None:
    """Not as output."""
    with pytest.raises(ToolFailed, match="ended with 3: no memory"):
        await run_tool((*SHELL, "echo no memory >&2; exit 3"), {}, 20)


async def test_a_program_that_is_not_there_is_told() -> None:
    """By the one that should have started it."""
    with pytest.raises(ToolFailed, match="nothing-here"):
        await run_tool(("/nothing-here",), {"PATH": "/bin:/usr/bin"}, 20)


async def test_one_that_takes_too_long_is_ended(tmp_path: Path) -> None:
    """With all it started."""
    with pytest.raises(ToolFailed, match="longer than"):
        await run_tool((*SHELL, f"echo $$ > {tmp_path}/pid; sleep 600 & wait"), {"PATH": "/bin:/usr/bin"}, 0.3)
    await gone(tmp_path / "pid")


async def test_one_that_nobody_waits_for_any_more_is_ended(tmp_path: Path) -> None:
    """A cancelled job leaves nothing behind."""
    running = asyncio.get_running_loop().create_task(
        run_tool((*SHELL, f"echo $$ > {tmp_path}/pid; sleep 600"), {"PATH": "/bin:/usr/bin"}, 600)
    )
    deadline = time.monotonic() + 20
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    await gone(tmp_path / "pid")


async def gone(written: Path) -> None:
    process, deadline = _process(written), time.monotonic() + 20
    while process is not None and _is_there(process):
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


def _process(written: Path) -> Path | None:
    """None when it was ended before it wrote its number."""
    number = written.read_text().strip() if written.exists() else ""
    return Path("/proc") / number if number else None


def _is_there(process: Path) -> bool:
    return process.exists()
