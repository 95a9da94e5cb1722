"""Builds the engine into a folder, or takes it from the content-addressed cache when nothing changed.

    python -m native.build [--preset cpu] [--into build/engine] [--cache build/cache]

The result is self-contained (libraries are found beside the binaries) and carries `engine.json`, which names
the key it was built from. A second run with the same pin, patches and preset does nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from native.pin import NATIVE, TARGETS, Pin, engine_key, read_features, read_pin, read_series
from native.prepare import checkout, prepare

MANIFEST = "engine.json"
TOOLS = {"cmake": "cmake", "ninja": "ninja-build", "c++": "g++", "patch": "patch", "strip": "binutils"}
KEPT_ENGINES = 6  # the cache is shared by branches: enough to go back and forth, not enough to fill a disk


def build(preset: str, into: Path, cache: Path) -> str:
    """Makes `into` hold the engine for `preset`; returns its key."""
    pin = read_pin()
    key = engine_key(preset, pin, read_series())
    if checkout():
        key = f"{preset}-checkout"
    elif built_key(into) == key:
        return key
    with alone(cache):
        finished = cache / f"engine-{key}"
        if checkout() or built_key(finished) != key:
            compile_engine(preset, key, pin, finished, cache)
        install(finished, into)
        forget_old(cache)
    return key


def built_key(folder: Path) -> str | None:
    try:
        return str(json.loads((folder / MANIFEST).read_text())["key"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


@contextlib.contextmanager
def alone(cache: Path) -> Iterator[None]:
    """One build at a time in a cache: two checkouts may share it."""
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / ".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print(f"native: waiting for another build in {cache}", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def compile_engine(preset: str, key: str, pin: Pin, finished: Path, cache: Path) -> None:
    check_tools()
    source, work = prepare(cache), cache / f"work-{preset}"
    configure = ["cmake", "-S", str(NATIVE), "-B", str(work), "--preset", preset, f"-DMESHBOX_LLAMA_SOURCE={source}"]
    configure += [f"-DLLAMA_BUILD_COMMIT={pin.commit}", f"-DLLAMA_BUILD_NUMBER={pin.build_number}"]
    # Not a part of the key: the binaries are the same. 140,000 lines of warnings hide the one error that matters.
    configure += ["-DLLAMA_ALL_WARNINGS=OFF"]
    environment = dict(os.environ)
    if shutil.which("ccache"):
        configure += [f"-DCMAKE_{language}_COMPILER_LAUNCHER=ccache" for language in ("C", "CXX")]
        environment |= {"CCACHE_BASEDIR": str(cache), "CCACHE_NOHASHDIR": "1"}
    run(configure, environment)
    jobs = str(os.cpu_count() or 1)
    targets = [*TARGETS, *plugins(work)]
    run(["cmake", "--build", str(work), "--parallel", jobs, "--target", *targets], environment)
    manifest = {"key": key, "preset": preset, "llama_cpp": pin.commit, "features": read_features(read_series())}
    collect(work / "bin", source, finished, manifest)


def check_tools() -> None:
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if missing:
        raise SystemExit(
            "native: the engine must be compiled, and the tools for that are not all here. Run 'make setup', "
            f"or on Debian and Ubuntu: sudo apt-get install -y {' '.join(missing)}"
        )


def plugins(work: Path) -> list[str]:
    """Every backend plugin of the configured tree: they are loaded at run time, so no target depends on them."""
    listed = subprocess.run(
        ["cmake", "--build", str(work), "--target", "help"], check=True, capture_output=True, text=True
    )
    names = {Path(line.split(":")[0].strip()) for line in listed.stdout.splitlines()}
    return sorted(n.stem.removeprefix("lib") for n in names if n.name.startswith("libggml-") and n.suffix == ".so")


def run(command: list[str], environment: dict[str, str]) -> None:
    if subprocess.run(command, env=environment, check=False).returncode != 0:
        raise SystemExit(f"native: '{' '.join(command[:3])} …' failed; the lines above say why")


def collect(binaries: Path, source: Path, finished: Path, manifest: Mapping[str, object]) -> None:
    """Copies only what the product runs, stripped, and publishes the folder in one step."""
    with tempfile.TemporaryDirectory(dir=finished.parent, prefix="collect-") as scratch:
        fresh = Path(scratch) / "engine"
        fresh.mkdir()
        for path in sorted(binaries.iterdir()):
            if path.name in TARGETS or ".so" in path.name:
                shutil.copy2(path, fresh / path.name, follow_symlinks=False)
        regular = [str(p) for p in fresh.iterdir() if not p.is_symlink()]
        run(["strip", "--strip-unneeded", *regular], dict(os.environ))
        copy_notices(source, fresh)
        (fresh / MANIFEST).write_text(json.dumps(manifest, indent=2) + "\n")
        shutil.rmtree(finished, ignore_errors=True)
        fresh.rename(finished)


def copy_notices(source: Path, into: Path) -> None:
    """The licences of llama.cpp and of the libraries that are compiled into it."""
    shutil.copyfile(source / "LICENSE", into / "LICENSE.llama.cpp")
    for notice in sorted((source / "licenses").glob("LICENSE-*")):
        shutil.copyfile(notice, into / f"LICENSE.{notice.name.removeprefix('LICENSE-')}")
    for notice in sorted((source / "vendor").rglob("LICENSE*")):
        shutil.copyfile(notice, into / f"LICENSE.{notice.parent.name}")


def install(finished: Path, into: Path) -> None:
    into.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into.parent, prefix="engine-") as scratch:
        fresh = Path(scratch) / "engine"
        shutil.copytree(finished, fresh, symlinks=True)
        if into.exists():
            into.rename(Path(scratch) / "old")
        fresh.rename(into)


def forget_old(cache: Path) -> None:
    built = sorted(cache.glob("engine-*"), key=lambda folder: folder.stat().st_mtime, reverse=True)
    for folder in built[KEPT_ENGINES:]:
        shutil.rmtree(folder)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m native.build", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--preset", default="cpu")
    parser.add_argument("--into", type=Path, default=Path("build/engine"))
    parser.add_argument("--cache", type=Path, default=Path(os.environ.get("MESHBOX_BUILD_CACHE") or "build/cache"))
    options = parser.parse_args()
    key = build(options.preset, options.into.resolve(), options.cache.resolve())
    print(f"engine {key} is in {options.into}")


if __name__ == "__main__":
    main()
