"""Makes the engine's source tree: fetch the pinned package, verify it, unpack llama.cpp, apply the series.

Idempotent: a finished tree carries a stamp and is used again. It always lies at the same place and only files that
differ are replaced, so that after a changed patch the compiler sees that file alone. `MESHBOX_LLAMA_CPP` names a
llama.cpp checkout to use instead of the package (for work on the engine itself); it is copied, then patched.
"""

from __future__ import annotations

import filecmp
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from native.pin import Pin, read_header, read_pin, read_series, source_key

STAMP = ".meshbox-prepared"
DEP3 = {"what it does": r"Description|Subject", "who wrote it": r"Author|From", "where it stands": r"Forwarded"}


def checkout() -> Path | None:
    """The llama.cpp tree to use instead of the pinned package, if one is given."""
    given = os.environ.get("MESHBOX_LLAMA_CPP")
    return Path(given).resolve() if given else None


def prepare(cache: Path) -> Path:
    """Returns the patched llama.cpp tree under `cache`, made or brought up to date if need be."""
    pin, series, own = read_pin(), read_series(), checkout()
    key, tree = source_key(pin, series), cache / "source"
    if own is None and stamp(tree) == key:
        return tree
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix="prepare-") as scratch:
        fresh = Path(scratch) / "llama.cpp"
        if own:
            shutil.copytree(own, fresh, symlinks=True, ignore=shutil.ignore_patterns(".git", "build*"))
        else:
            unpack(fetch(pin, cache), pin, fresh)
        for patch in series:
            apply(patch, fresh)
        mirror(fresh, tree)
    (tree / STAMP).write_text("checkout" if own else key)
    return tree


def stamp(tree: Path) -> str | None:
    try:
        return (tree / STAMP).read_text()
    except OSError:
        return None


def fetch(pin: Pin, cache: Path) -> Path:
    """Downloads the source package with pip, which also follows the user's mirror and proxy settings."""
    archive = cache / pin.archive
    if not (archive.exists() and sha256(archive) == pin.sha256):
        with tempfile.TemporaryDirectory(dir=cache, prefix="fetch-") as scratch:
            requirement = Path(scratch) / "requirement.txt"
            requirement.write_text(pin.requirement + "\n")
            _pip_download(requirement, Path(scratch))
            (Path(scratch) / archive.name).replace(archive)
    verify(archive, pin)
    return archive


def _pip_download(requirement: Path, into: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "--retries", "10"]
    command = [*pip, "--require-hashes", "-r", str(requirement), "-d", str(into)]
    if subprocess.run(command, check=False).returncode != 0:
        raise SystemExit(
            "native: the engine's source could not be downloaded. Check the network (and PIP_INDEX_URL / PIP_CERT "
            f"behind a proxy), or put the file named in llama.cpp.lock into {into.parent} by hand, then run it again."
        )


def verify(archive: Path, pin: Pin) -> None:
    actual = sha256(archive)
    if actual != pin.sha256:
        raise SystemExit(f"native: {archive.name} has sha256 {actual}, the pin says {pin.sha256}; nothing was unpacked")


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unpack(archive: Path, pin: Pin, into: Path) -> None:
    """Unpacks only the vendored llama.cpp."""
    inside = f"{archive.name.removesuffix('.tar.gz')}/{pin.vendored}/"
    with tarfile.open(archive) as tar:
        members = []
        for member in tar:
            if member.name.startswith(inside):
                member.name = member.name.removeprefix(inside)
                members.append(member)
        if not members:
            raise SystemExit(f"native: {archive.name} holds no {pin.vendored}/; correct 'vendored' in llama.cpp.lock")
        tar.extractall(into, members=members, filter="data")


def apply(patch: Path, tree: Path) -> None:
    """Applies one patch of the series, exactly: a patch that needs fuzz was made for another source."""
    check_header(patch)
    command = ["patch", "-p1", "--forward", "--batch", "--fuzz=0", "--no-backup-if-mismatch"]
    with patch.open("rb") as text:
        result = subprocess.run(command, cwd=tree, stdin=text, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise SystemExit(
            f"native: patch {patch.name} does not apply to the pinned source; native/README.md says how to renew it\n"
            + (result.stdout + result.stderr).rstrip()
        )


def check_header(patch: Path) -> None:
    """A patch that nobody can explain can never be dropped: its DEP-3 header says why it is there."""
    header = read_header(patch)
    missing = [what for what, names in DEP3.items() if not re.search(rf"^(?:{names}): *\S", header, re.MULTILINE)]
    if missing:
        raise SystemExit(f"native: the header of {patch.name} does not say {', '.join(missing)}; see native/README.md")


def mirror(fresh: Path, tree: Path) -> None:
    """Makes `tree` equal to `fresh`, and leaves alone what is equal already, so that nothing compiles twice."""
    (tree / STAMP).unlink(missing_ok=True)
    tree.mkdir(exist_ok=True)
    wanted = {path.relative_to(fresh) for path in fresh.rglob("*") if path.is_symlink() or not path.is_dir()}
    for path in [p for p in tree.rglob("*") if p.is_symlink() or not p.is_dir()]:
        if path.relative_to(tree) not in wanted:
            path.unlink()
    for name in wanted:
        if not _same(fresh / name, tree / name):
            (tree / name).parent.mkdir(parents=True, exist_ok=True)
            # The archive's old date would make ninja believe that nothing changed.
            os.utime(fresh / name, follow_symlinks=False)
            (fresh / name).replace(tree / name)


def _same(one: Path, other: Path) -> bool:
    if one.is_symlink() or other.is_symlink():
        return one.is_symlink() and other.is_symlink() and one.readlink() == other.readlink()
    return other.is_file() and filecmp.cmp(one, other, shallow=False)
