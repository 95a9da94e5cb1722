"""Programs that are started without a copy of this one."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import pytest
import uvloop

from appliance.supervisor.process import Process, hand_on_nothing, hear_of_ends, start

ENVIRONMENT = {"PATH": os.defpath, "COLOUR": "blue"}
LIMIT = 1 << 10


async def started(*command: str) -> Process:
    return start(list(command), ENVIRONMENT, LIMIT)


async def said(process: Process) -> str:
    return (await process.stdout.read()).decode()


async def test_what_it_writes_is_read_and_how_it_ended_is_known() -> None:
    """Both of its outputs come in one stream; it is found by its name and has the environment that it was given."""
    process = await started("sh", "-c", "echo $COLOUR; echo oops >&2; exit 3")
    assert await said(process) == "blue\noops\n"
    assert (await process.wait(), process.returncode) == (3, 3)
    process.close()


async def test_the_end_of_its_input_reaches_it() -> None:
    """A program that reads ends by itself then."""
    process = await started("cat")
    process.close_stdin()
    assert await said(process) == ""
    assert await process.wait() == 0
    process.close()


async def test_it_leads_a_group_of_its_own_and_a_signal_is_told() -> None:
    """What is meant for it does not reach us, and what is meant for us does not reach it."""
    process = await started("sleep", "600")
    assert os.getpgid(process.pid) == os.getsid(process.pid) == process.pid
    os.killpg(process.pid, signal.SIGKILL)
    assert await process.wait() == -signal.SIGKILL
    process.close()


async def test_how_it_ended_is_known_also_when_children_were_to_be_ignored() -> None:
    """The program that started this one may have left it so."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        hear_of_ends()
        process = await started("sh", "-c", "exit 7")
        assert await process.wait() == 7
        process.close()
    finally:
        signal.signal(signal.SIGCHLD, before)


async def test_it_gets_no_file_of_ours() -> None:
    """An engine that keeps a listening socket open would keep its port taken."""
    handed, _ = pipe = os.pipe()
    os.set_inheritable(handed, True)
    hand_on_nothing()
    process = await started(sys.executable, "-c", "import os; print(os.listdir('/proc/self/fd'))")
    assert await said(process) == "['0', '1', '2', '3']\n"  # the last is the folder that it lists
    await process.wait()
    process.close()
    for descriptor in pipe:
        os.close(descriptor)


def test_on_the_loop_of_the_box_all_comes_and_nothing_stays_open() -> None:
    """Also more than anybody reads at once; an engine that is started again and again costs no descriptors."""

    async def descriptors_after(times: int) -> int:
        for _ in range(times):
            process = await started("sh", "-c", "yes line | head -c 500000; exit 5")
            lines = [len(line) async for line in process.stdout]
            assert (sum(lines), await process.wait()) == (500_000, 5)
            process.close()
        return len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - numbers, not paths

    async def both() -> tuple[int, int]:
        return await descriptors_after(1), await descriptors_after(3)

    first, last = uvloop.run(both())
    assert first == last


async def test_its_output_is_let_go_of_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second time it may be the number of somebody else's file."""
    closed: list[int] = []
    process = await started("true")
    await process.wait()
    await said(process)
    monkeypatch.setattr(os, "close", closed.append)
    process.close()
    process.close()
    assert len(closed) == 1, "its input alone: its output had come to an end"


async def test_a_program_that_is_not_there_leaves_nothing_open() -> None:
    """It is told as an error of the system; an engine that is tried again and again costs no descriptors."""
    before = os.listdir("/proc/self/fd")  # noqa: PTH208 - numbers, not paths
    for _ in range(3):
        with pytest.raises(FileNotFoundError):
            await started("/nowhere/at-all")
    await asyncio.sleep(0)  # the loop closes what it was given to read in its next turn
    assert len(os.listdir("/proc/self/fd")) == len(before)  # noqa: PTH208


async def test_where_the_kernel_does_not_tell_of_an_end_it_is_looked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a container that forbids it, or with an old kernel."""

    def forbidden(_pid: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "pidfd_open", forbidden)
    process = await started("sh", "-c", "exit 4")
    assert await process.wait() == 4
    process.close()
