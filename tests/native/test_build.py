"""A built engine is taken again as long as its key stands, and what is shipped needs nothing but itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from native.build import KEPT_ENGINES, MANIFEST, alone, build, built_key, check_tools, collect, forget_old, install
from native.pin import NATIVE, TARGETS, engine_key, read_pin, read_series
from tests.native.builders import make_tree

ENGINE = NATIVE.parent / "build" / "engine"
SYSTEM_LIBRARIES = re.compile(
    r"(linux-vdso|libc|libm|libdl|libpthread|librt|libgcc_s|libstdc\+\+|libgomp|ld-linux-[\w-]+)\.so\.\d+"
)
TRIXIE_GLIBC = (2, 41)


def make_engine(folder: Path, key: str, **files: str) -> Path:
    return make_tree(folder, **{MANIFEST: json.dumps({"key": key})}, **files)


def current_key() -> str:
    return engine_key("cpu", read_pin(), read_series())


def programs() -> list[Path]:
    """Every ELF file of the engine that `make setup` built."""
    assert built_key(ENGINE) == current_key(), "build/engine is missing or old; run: make setup"
    return [p for p in sorted(ENGINE.iterdir()) if not p.is_symlink() and p.read_bytes()[:4] == b"\x7fELF"]


def test_an_unchanged_key_does_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a compiler, without a cache, without a write."""
    into = make_engine(tmp_path / "engine", current_key())
    monkeypatch.setenv("PATH", "")
    before = {p: p.stat().st_mtime_ns for p in [into, *into.iterdir()]}
    assert build("cpu", into, tmp_path / "cache") == current_key()
    assert {p: p.stat().st_mtime_ns for p in [into, *into.iterdir()]} == before
    assert not (tmp_path / "cache").exists()


def test_a_cached_engine_is_installed_without_compiling(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Going back to an earlier pin costs a copy; the old engine is replaced whole."""
    make_engine(tmp_path / "cache" / f"engine-{current_key()}", current_key(), fresh="yes")
    into = make_engine(tmp_path / "engine", "cpu-old", left_over="no")
    monkeypatch.setenv("PATH", "")
    build("cpu", into, tmp_path / "cache")
    assert (built_key(into), sorted(p.name for p in into.iterdir())) == (
        current_key(),
        sorted([MANIFEST, "fresh", "hello.txt"]),
    )


def test_a_changed_key_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine of another key is not taken; without tools the one command that brings them is named."""
    into = make_engine(tmp_path / "engine", "cpu-old")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="sudo apt-get install -y cmake ninja-build g\\+\\+ patch binutils"):
        build("cpu", into, tmp_path / "cache")
    assert built_key(into) == "cpu-old"


def test_a_checkout_is_never_taken_for_the_pin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work on the engine itself compiles each time, whatever lies in the cache."""
    into = make_engine(tmp_path / "engine", current_key())
    make_engine(tmp_path / "cache" / "engine-cpu-checkout", "cpu-checkout")
    monkeypatch.setenv("MESHBOX_LLAMA_CPP", str(tmp_path))
    monkeypatch.setenv("PATH", "")
    with pytest.raises(SystemExit, match="must be compiled"):
        build("cpu", into, tmp_path / "cache")


@pytest.mark.parametrize("manifest", ["", "[]", "{}", "null", '{"key'])
def test_a_broken_manifest_means_not_built(tmp_path: Path, manifest: str) -> None:
    """A build that broke off is made again."""
    (tmp_path / MANIFEST).write_text(manifest)
    assert built_key(tmp_path) is None


def test_the_tools_of_this_machine_are_enough() -> None:
    """`make setup` brought everything that compiling needs."""
    check_tools()


def test_only_what_runs_is_collected(tmp_path: Path) -> None:
    """Programs, libraries with their links, licences and the manifest; no test program, no static library."""
    binaries = make_tree(tmp_path / "bin", **{"llama-tests": "x", "libggml.a": "x"})
    for name in ("llama-server", "libggml.so.0"):
        shutil.copy2((ENGINE / name).resolve(), binaries / name)
    (binaries / "libggml.so").symlink_to("libggml.so.0")
    source = make_tree(
        tmp_path / "source",
        LICENSE="MIT",
        **{"licenses/LICENSE-json": "j", "vendor/cpp-httplib/LICENSE": "h"},
    )
    collect(binaries, source, tmp_path / "engine", {"key": "cpu-1"})
    assert sorted(p.name for p in (tmp_path / "engine").iterdir()) == [
        "LICENSE.cpp-httplib",
        "LICENSE.json",
        "LICENSE.llama.cpp",
        MANIFEST,
        "libggml.so",
        "libggml.so.0",
        "llama-server",
    ]
    assert built_key(tmp_path / "engine") == "cpu-1"
    assert (tmp_path / "engine" / "libggml.so").readlink() == Path("libggml.so.0")


def test_old_engines_leave_the_cache(tmp_path: Path) -> None:
    """The newest stay; a cache that lives for years does not fill the disk."""
    for age in range(KEPT_ENGINES + 2):
        folder = make_engine(tmp_path / f"engine-cpu-{age}", f"cpu-{age}")
        os.utime(folder, (1_000_000 - age, 1_000_000 - age))
    forget_old(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == [f"engine-cpu-{age}" for age in range(KEPT_ENGINES)]


def test_two_builds_in_one_cache_take_turns(tmp_path: Path) -> None:
    """The second waits until the first is done."""
    order: list[str] = []

    def second() -> None:
        with alone(tmp_path):
            order.append("second")

    with alone(tmp_path):
        other = threading.Thread(target=second)
        other.start()
        other.join(0.2)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_an_engine_in_use_is_replaced_whole(tmp_path: Path) -> None:
    """A reader finds the old or the new folder, never half of one; nothing is left behind."""
    finished, into = make_engine(tmp_path / "new", "cpu-new"), make_engine(tmp_path / "out" / "engine", "cpu-old")
    with (into / "hello.txt").open() as reader:
        install(finished, into)
        assert (reader.read(), built_key(into)) == ("one\nhello\nthree\n", "cpu-new")
    assert [p.name for p in into.parent.iterdir()] == ["engine"]


@pytest.mark.native
def test_the_command_is_quick_when_nothing_changed() -> None:
    """`make run` does not wait for it: it finds the built engine and ends, also without any tool on the PATH."""
    assert built_key(ENGINE) == current_key()
    command = [sys.executable, "-m", "native.build"]
    environment = {k: v for k, v in os.environ.items() if k != "MESHBOX_LLAMA_CPP"} | {"PATH": ""}
    result = subprocess.run(
        command, cwd=NATIVE.parent, env=environment, capture_output=True, text=True, timeout=10, check=False
    )
    assert (result.returncode, result.stdout) == (0, f"engine {current_key()} is in build/engine\n")


@pytest.mark.native
def test_every_program_is_there() -> None:
    """All targets, the plugins of several processors, the worker's plugin, and the licences."""
    names = {p.name for p in ENGINE.iterdir()}
    assert names >= {*TARGETS, "libggml-rpc.so", "LICENSE.llama.cpp"}
    assert len([n for n in names if n.startswith("libggml-cpu-")]) > 1


@pytest.mark.native
def test_the_engine_needs_only_itself_and_the_system() -> None:
    """Every library is found beside the binaries or is one that each Debian has."""
    foreign = []
    for program in programs():
        listed = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True).stdout
        for line in listed.splitlines():
            name, _, found = line.strip().partition(" => ")
            beside = found.startswith(f"{ENGINE}/")
            if not beside and not SYSTEM_LIBRARIES.fullmatch(Path(name.split(" ")[0]).name):
                foreign.append(f"{program.name}: {line.strip()}")
    assert foreign == []


@pytest.mark.native
def test_libraries_are_looked_for_beside_the_binary_only() -> None:
    """No path of the machine that built it is inside."""
    paths = set()
    for program in programs():
        dynamic = subprocess.run(["readelf", "-d", str(program)], check=True, capture_output=True, text=True).stdout
        paths |= set(re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", dynamic))
    assert paths == {"$ORIGIN"}


@pytest.mark.native
def test_the_engine_runs_on_the_base_of_the_image() -> None:
    """No symbol newer than trixie's C library is asked for, so that a prebuilt engine may be shipped."""
    wanted = set()
    for program in programs():
        symbols = subprocess.run(["objdump", "-T", str(program)], check=True, capture_output=True, text=True).stdout
        wanted |= {tuple(map(int, found.split("."))) for found in re.findall(r"GLIBC_([\d.]+)", symbols)}
    assert max(wanted) <= TRIXIE_GLIBC


@pytest.mark.native
def test_the_engine_starts_from_another_place(tmp_path: Path) -> None:
    """A copied folder runs: nothing in it knows where it was built."""
    install(ENGINE, tmp_path / "engine")
    command = [str(tmp_path / "engine" / "llama-server"), "--version"]
    result = subprocess.run(command, env={}, capture_output=True, text=True, timeout=30, check=False)
    assert (result.returncode, read_pin().commit in result.stderr + result.stdout) == (0, True)
