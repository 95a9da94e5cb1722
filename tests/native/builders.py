"""Small pins, patches, archives and native/ folders, for the tests of the engine's build."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from dataclasses import replace
from pathlib import Path

from native.pin import NATIVE, Pin, engine_key

PRESETS = {
    "version": 6,
    "configurePresets": [
        {"name": "base", "hidden": True, "cacheVariables": {"GGML_RPC": "ON"}},
        {"name": "cpu", "inherits": "base", "cacheVariables": {"GGML_CPU_ALL_VARIANTS": "ON"}},
        {"name": "cuda", "inherits": "base", "cacheVariables": {"GGML_CUDA": "ON"}},
    ],
}
HEADER = """From: A Person <person@example.org>
Subject: say hello to everybody
Forwarded: not-needed

The reason why.
---
"""
CHANGE = """--- a/hello.txt
+++ b/hello.txt
@@ -1,3 +1,3 @@
 one
-hello
+hello everybody
 three
"""


def make_pin(**changes: object) -> Pin:
    usual = Pin("engine-package", "1.0", "0" * 64, "vendor/llama.cpp", "abc1234", "2026-01-01", 1)
    return replace(usual, **changes)  # type: ignore[arg-type]


def make_patch(folder: Path, name: str = "0001-hello.patch", header: str = HEADER, change: str = CHANGE) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_text(header + change)
    return folder / name


def make_tree(folder: Path, **files: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in ({"hello.txt": "one\nhello\nthree\n"} | files).items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def make_archive(folder: Path, files: dict[str, str], pin: Pin) -> tuple[Path, Pin]:
    """A source package that holds these files, and the pin with its right hash."""
    archive = folder / pin.archive
    with tarfile.open(archive, "w:gz") as tar:
        for name, text in files.items():
            member = tarfile.TarInfo(f"{pin.archive.removesuffix('.tar.gz')}/{name}")
            member.size = len(text.encode())
            tar.addfile(member, io.BytesIO(text.encode()))
    return archive, replace(pin, sha256=hashlib.sha256(archive.read_bytes()).hexdigest())


def make_native(folder: Path) -> Path:
    """A native/ folder of its own, to change files in."""
    (folder / "src").mkdir(parents=True)
    shutil.copyfile(NATIVE / "CMakeLists.txt", folder / "CMakeLists.txt")
    (folder / "CMakePresets.json").write_text(json.dumps(PRESETS))
    return folder


def key_of(native: Path, preset: str = "cpu", pin: Pin | None = None, patches: tuple[Path, ...] = ()) -> str:
    return engine_key(preset, pin or make_pin(), list(patches), native)


def set_variable(native: Path, preset: str, name: str, value: str) -> None:
    path = native / "CMakePresets.json"
    written = json.loads(path.read_text())
    next(p for p in written["configurePresets"] if p["name"] == preset)["cacheVariables"][name] = value
    path.write_text(json.dumps(written))
