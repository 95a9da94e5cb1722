"""What `make` says on a machine that lacks something, to somebody who may not install it."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from native.pin import NATIVE

NOBODY = 65534


@pytest.fixture
def bare() -> Iterator[Path]:
    """A PATH with the basic tools of Debian, and no compiler; where another user may read it."""
    with tempfile.TemporaryDirectory(prefix="meshbox-path-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        for name in ("bash", "id", "apt-get"):
            found = shutil.which(name)
            if found is None:
                pytest.skip(f"{name} is not here: this is no Debian")
            (path / name).symlink_to(found)
        yield path


def tools(purpose: str, path: str, *, user: int | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    # Read from standard input: another user may not be able to see this checkout.
    command = [shutil.which("bash") or "bash", "-s", purpose]
    script = (NATIVE / "tools.sh").read_text()
    return subprocess.run(
        command, input=script, env={"PATH": path} | environment, user=user, capture_output=True, text=True, check=False
    )


def test_without_root_the_one_command_is_shown(bare: Path) -> None:
    """A user copies one line, types his password, and goes on."""
    done = tools("build", str(bare), user=NOBODY if os.geteuid() == 0 else None)
    wanted = "sudo apt-get update && sudo apt-get install -y --no-install-recommends "
    wanted += "g++ cmake ninja-build patch binutils util-linux ccache"
    assert (done.returncode, wanted in done.stderr) == (1, True), done.stderr


def test_where_there_is_no_apt_the_packages_are_named(bare: Path) -> None:
    """On another system a person knows what to look for."""
    (bare / "apt-get").unlink()
    done = tools("build", str(bare))
    assert (done.returncode, "what Debian calls: g++ cmake" in done.stderr) == (1, True), done.stderr


def test_a_complete_machine_needs_nothing() -> None:
    """Quick and silent when all is there."""
    done = tools("build", os.environ["PATH"])
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_python_that_is_too_old_is_named() -> None:
    """With the version that is needed and how to name another."""
    done = tools("python", os.environ["PATH"], PYTHON="false")
    assert done.returncode == 1
    assert "needs Python 3.11 or newer" in done.stderr
    assert "make PYTHON=" in done.stderr


def test_the_interpreter_is_printed() -> None:
    """Make builds the environment with it."""
    done = tools("python", os.environ["PATH"])
    version = subprocess.run(
        [done.stdout.strip(), "-c", "import sys; print(sys.version_info >= (3, 11))"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert version.stdout == "True\n"
