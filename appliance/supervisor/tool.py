"""Runs a program of the engine that does one thing and ends."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping, Sequence

MOST_OUTPUT = 1 << 20


class ToolFailed(Exception):
    """It could not be started, took too long, or ended with an error; says so in words."""


async def run_tool(
    command: Sequence[str], environment: Mapping[str, str], seconds: float, descriptors: Sequence[int] = ()
) -> str:
    """What it wrote to its standard output. It does not outlive this call, however that ends."""
    try:
        process = await asyncio.create_subprocess_exec(
            *("setpriv", "--pdeathsig", "KILL", "--", *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            pass_fds=tuple(descriptors),
            start_new_session=True,
            limit=MOST_OUTPUT,
        )
    except OSError as error:
        raise ToolFailed(f"{command[0]} could not be started: {error}") from error
    try:
        async with asyncio.timeout(seconds):
            output, errors = await process.communicate()
    except TimeoutError:
        raise ToolFailed(f"It took longer than {seconds:.0f} seconds and was ended.") from None
    finally:
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            with contextlib.suppress(TimeoutError):  # what is stuck in a driver cannot be killed
                async with asyncio.timeout(1.0):
                    await process.wait()
    if process.returncode != 0:
        raise ToolFailed(f"It ended with {process.returncode}: {_last_words(errors)}")
    return output.decode(errors="replace")


def _last_words(errors: bytes) -> str:
    lines = [line for line in errors.decode(errors="replace").splitlines() if line.strip()]
    return " ".join(lines[-3:])[-300:] or "it said nothing."
