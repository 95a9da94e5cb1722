"""Makes the engine's source tree: fetch the pinned package, verify it, unpack llama.cpp, apply the series.

Idempotent: a finished tree carries a stamp and is used again. `MESHBOX_LLAMA_CPP` names a llama.cpp
checkout to use instead of the package (for work on the engine itself); it is copied, then patched.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from native.pin import Pin, read_pin, read_series, source_key

STAMP = ".meshbox-prepared"


def prepare(cache: Path) -> Path:
    """Returns the patched llama.cpp tree, made under `cache` if it is not there yet."""
    pin, series = read_pin(), read_series()
    checkout = os.environ.get("MESHBOX_LLAMA_CPP")
    tree = cache / f"source-{'checkout' if checkout else source_key(pin, series)}"
    if (tree / STAMP).exists() and not checkout:
        return tree
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="prepare-") as scratch:
        fresh = Path(scratch) / "llama.cpp"
        if checkout:
            shutil.copytree(checkout, fresh, ignore=shutil.ignore_patterns(".git", "build*"))
        else:
            unpack(fetch(pin, cache), pin, fresh)
        for patch in series:
            apply(patch, fresh)
        (fresh / STAMP).write_text(source_key(pin, series) + "\n")
        shutil.rmtree(tree, ignore_errors=True)
        fresh.rename(tree)
    return tree


def fetch(pin: Pin, cache: Path) -> Path:
    """Downloads the source package with pip, which also follows the user's mirror and proxy settings."""
    archive = cache / f"{pin.package.replace('-', '_')}-{pin.version}.tar.gz"
    if not (archive.exists() and sha256(archive) == pin.sha256):
        with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as scratch:
            requirement = Path(scratch) / "requirement.txt"
            requirement.write_text(pin.requirement + "\n")
            _pip_download(requirement, Path(scratch))
            (Path(scratch) / archive.name).replace(archive)
    actual = sha256(archive)
    if actual != pin.sha256:
        raise SystemExit(f"native: {archive.name} has sha256 {actual}, the pin says {pin.sha256}; nothing was unpacked")
    return archive


def _pip_download(requirement: Path, into: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        ":all:",
        "--retries",
        "10",
    ]
    result = subprocess.run([*command, "--require-hashes", "-r", str(requirement), "-d", str(into)])
    if result.returncode != 0:
        raise SystemExit(
            "native: the engine's source could not be downloaded. Check the network (and PIP_INDEX_URL / PIP_CERT "
            f"behind a proxy), or put the file named in llama.cpp.lock into {into.parent} by hand, then run it again."
        )


def unpack(archive: Path, pin: Pin, into: Path) -> None:
    """Unpacks only the vendored llama.cpp."""
    with tarfile.open(archive) as tar:
        inside = f"{archive.name.removesuffix('.tar.gz')}/{pin.vendored}/"
        members = []
        for member in tar:
            if member.name.startswith(inside):
                member.name = member.name.removeprefix(inside)
                members.append(member)
        tar.extractall(into, members=members, filter="data")


def apply(patch: Path, tree: Path) -> None:
    with patch.open("rb") as text:
        result = subprocess.run(["patch", "-p1", "--forward", "--quiet", "--batch"], cwd=tree, stdin=text)
    if result.returncode != 0:
        raise SystemExit(f"native: patch {patch.name} does not apply to the pinned source; see native/README.md")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
