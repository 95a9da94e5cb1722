"""Starts a program without a copy of this one first, which is what the event loop would make: the more memory a process
has the longer that takes, and every stream stands still meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from collections.abc import Mapping
from pathlib import Path

FIRST_OF_OURS = 3  # before come input, output and errors
LOOK_SECONDS = 0.05  # where the kernel does not tell of a process that ended


class Process:
    """Its output, how to end its input, and how it ended. In a session of its own."""

    def __init__(self, pid: int, stdin: int, stdout: asyncio.StreamReader, transport: asyncio.BaseTransport) -> None:
        self.pid = pid
        self.stdout = stdout
        self.returncode: int | None = None  # negative for a signal
        self._transport = transport
        self._stdin: int | None = stdin
        self._ended = asyncio.Event()
        self._watch()

    async def wait(self) -> int:
        await self._ended.wait()
        return self.returncode or 0

    def close_stdin(self) -> None:
        if self._stdin is not None:
            os.close(self._stdin)
            self._stdin = None

    def close(self) -> None:
        """Lets go of its input and output; it is still waited for."""
        self.close_stdin()
        self._transport.close()

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            descriptor = os.pidfd_open(self.pid)
        except OSError:  # an old kernel, or a container that forbids it
            self._look(loop)
        else:
            loop.add_reader(descriptor, self._told, loop, descriptor)

    def _told(self, loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
        if self._reaped():
            loop.remove_reader(descriptor)
            os.close(descriptor)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if not self._reaped():
            loop.call_later(LOOK_SECONDS, self._look, loop)

    def _reaped(self) -> bool:
        try:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
        except ChildProcessError:  # somebody else was told how it ended
            pid, status = self.pid, 0
        if pid:
            self.returncode = os.waitstatus_to_exitcode(status)
            self._ended.set()
        return bool(pid)


def hand_on_nothing() -> None:
    """Files that this process was itself handed open stay with it. What it opens is kept from others anyway."""
    for descriptor in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        with contextlib.suppress(OSError):  # that of the list itself
            os.set_inheritable(descriptor, descriptor < FIRST_OF_OURS)


async def start(command: list[str], environment: Mapping[str, str], limit: int) -> Process:
    """`limit` is the longest line of its output in bytes. Raises OSError when it cannot be started."""
    with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
        reads, stdin = os.pipe()
        theirs.callback(os.close, reads)
        ours.callback(os.close, stdin)
        stdout, writes = os.pipe()
        theirs.callback(os.close, writes)
        reader, transport = await _reader(stdout, limit)
        ours.callback(transport.close)
        pid = _spawn(command, environment, reads, writes)
        ours.pop_all()  # nothing is waited for any more: whoever is cancelled has the process or none
    return Process(pid, stdin, reader, transport)


def _spawn(command: list[str], environment: Mapping[str, str], stdin: int, output: int) -> int:
    """From the thread of the event loop: the kernel ends an engine with the thread that started it."""
    ends = ((stdin, 0), (output, 1), (output, 2))
    return os.posix_spawnp(
        command[0],
        command,
        environment,
        file_actions=[(os.POSIX_SPAWN_DUP2, own, theirs) for own, theirs in ends],
        setsid=True,
        setsigmask=(),
        setsigdef=(signal.SIGPIPE, signal.SIGXFSZ),
    )


async def _reader(descriptor: int, limit: int) -> tuple[asyncio.StreamReader, asyncio.BaseTransport]:
    reader = asyncio.StreamReader(limit)
    with contextlib.ExitStack() as unused:
        pipe = unused.enter_context(os.fdopen(descriptor, "rb", buffering=0))
        loop = asyncio.get_running_loop()
        transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
        unused.pop_all()
    return reader, transport
