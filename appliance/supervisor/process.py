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
READ_BYTES = 1 << 16  # as much as a pipe holds
LOOK_SECONDS = 0.05  # where the kernel does not tell of a process that ended


class Output(asyncio.ReadTransport):
    """What a program writes. The loop's own transport for pipes closes a descriptor twice where the loop is uvloop, and
    by the second time it may be somebody else's."""

    def __init__(self, descriptor: int, limit: int) -> None:
        super().__init__()
        self.reader = asyncio.StreamReader(limit)
        self._loop = asyncio.get_running_loop()
        self._descriptor: int | None = descriptor
        os.set_blocking(descriptor, False)
        self.reader.set_transport(self)  # which has us pause when nobody reads
        self.resume_reading()

    def resume_reading(self) -> None:
        if self._descriptor is not None:
            self._loop.add_reader(self._descriptor, self._read, self._descriptor)

    def pause_reading(self) -> None:
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)

    def close(self) -> None:
        if self._descriptor is not None:
            self._loop.remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = None
            self.reader.feed_eof()

    def _read(self, descriptor: int) -> None:
        try:
            written = os.read(descriptor, READ_BYTES)
        except BlockingIOError:
            return
        if written:
            self.reader.feed_data(written)
        else:
            self.close()


class Process:
    """Its output, how to end its input, and how it ended. In a session of its own."""

    def __init__(self, pid: int, stdin: int, output: Output) -> None:
        self.pid = pid
        self.stdout = output.reader
        self.returncode: int | None = None  # negative for a signal
        self._output = output
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
        self._output.close()

    def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            descriptor = os.pidfd_open(self.pid)
        except (OSError, AttributeError):  # an old kernel or Python, or a container that forbids it
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


def hear_of_ends() -> None:
    """Whoever started this process may have had it ignore its children: how an engine ended would be lost. From the
    main thread."""
    if signal.getsignal(signal.SIGCHLD) == signal.SIG_IGN:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def start(command: list[str], environment: Mapping[str, str], limit: int) -> Process:
    """`limit` is the longest line of its output in bytes. Raises OSError when it cannot be started."""
    with contextlib.ExitStack() as theirs, contextlib.ExitStack() as ours:
        reads, stdin = os.pipe()
        theirs.callback(os.close, reads)
        ours.callback(os.close, stdin)
        stdout, writes = os.pipe()
        theirs.callback(os.close, writes)
        ours.callback(os.close, stdout)
        pid = _spawn(command, environment, reads, writes)
        ours.pop_all()
    return Process(pid, stdin, Output(stdout, limit))


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
