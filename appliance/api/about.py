"""What this box is made of: its engine, its folders, and the parts by others that it carries."""

from __future__ import annotations

import json
import platform
import re
import shutil
import subprocess
import sys
import tomllib
from dataclasses import asdict, dataclass
from functools import lru_cache
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

from appliance import __version__

LICENCE = "Apache-2.0"
REPOSITORY = Path(__file__).resolve().parents[2]
LONGEST_LICENCE = 200 << 10
_SHORT_ENOUGH = 60  # some packages carry a whole licence where its name should stand
_BACKEND = re.compile(r"libggml-(?!base)([a-z]+)")


@dataclass(frozen=True, slots=True)
class Premises:
    """Where the box keeps things."""

    data: Path
    models: Path
    engine: Path
    browser_files: Path  # a folder with VENDOR.toml


@dataclass(frozen=True, slots=True)
class Part:
    name: str
    version: str
    licence: str
    text: str | None = None  # the name under which the licence can be read here


@dataclass(frozen=True, slots=True)
class Engine:
    version: str | None  # None: it does not start
    commit: str | None
    build: str | None
    backends: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Folder:
    path: str
    size: int | None
    free: int | None


@dataclass(frozen=True, slots=True)
class Findings:
    python: str
    system: str
    engine: Engine
    data: Folder
    models: Folder
    parts: tuple[Part, ...]
    packages: tuple[Part, ...]  # of Python


def look(premises: Premises) -> Findings:
    """Reads files and asks the engine: for a thread."""
    return Findings(
        python=platform.python_version(),
        system=f"{platform.system()} {platform.release()} ({platform.machine()})",
        engine=_engine(premises.engine),
        data=_folder(premises.data),
        models=_folder(premises.models),
        parts=tuple(_parts(premises)),
        packages=python_packages(),
    )


def about_document(findings: Findings) -> dict[str, Any]:
    return asdict(findings)


def licence_text(premises: Premises, name: str) -> str | None:
    """The licence of that name, of those that this box lists."""
    path = _licences(premises).get(name)
    if path is None:
        return None
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.read(LONGEST_LICENCE)


def _licences(premises: Premises) -> dict[str, Path]:
    found = {"meshbox": REPOSITORY / "LICENSE"}
    found |= {path.name.removeprefix("LICENSE."): path for path in sorted(premises.engine.glob("LICENSE.*"))}
    found |= {path.parent.name: path for path in sorted(premises.browser_files.glob("*/LICENSE"))}
    return {name: path for name, path in found.items() if path.is_file()}


def _parts(premises: Premises) -> list[Part]:
    texts = _licences(premises)
    own = Part("Meshbox", __version__, LICENCE, "meshbox" if "meshbox" in texts else None)
    engine = [
        Part(path.name.removeprefix("LICENSE."), "", _kind_of(path), path.name.removeprefix("LICENSE."))
        for path in sorted(premises.engine.glob("LICENSE.*"))
    ]
    return [own, *engine, *_browser_parts(premises.browser_files, texts)]


def _browser_parts(folder: Path, texts: dict[str, Path]) -> list[Part]:
    try:
        entries = tomllib.loads((folder / "VENDOR.toml").read_text(encoding="utf-8")).get("file", [])
    except (OSError, tomllib.TOMLDecodeError):
        return []
    found = {}
    for entry in entries:
        place = str(entry["path"]).partition("/")[0]
        text = place if place in texts else None
        found[entry["name"]] = Part(str(entry["name"]), str(entry["version"]), str(entry["licence"]), text)
    return list(found.values())


def _kind_of(path: Path) -> str:
    """Licences begin with their name, or are known by a sentence of theirs."""
    try:
        text = " ".join(path.read_text(encoding="utf-8", errors="replace").split())
    except OSError:
        return "see its text"
    known = (
        ("Permission is hereby granted, free of charge", "MIT"),
        ("Redistribution and use in source and binary forms", "BSD"),
        ("unencumbered software released into the public domain", "Unlicense"),
        ("Apache License", "Apache-2.0"),
    )
    return next((name for sentence, name in known if sentence in text), "see its text")


def _folder(path: Path) -> Folder:
    try:
        usage = shutil.disk_usage(path)
    except OSError:
        return Folder(str(path.absolute()), None, None)
    return Folder(str(path.absolute()), usage.total, usage.free)


def _engine(folder: Path) -> Engine:
    server = folder / "llama-server"
    try:
        changed = server.stat().st_mtime_ns
    except OSError:
        return Engine(None, None, None, ())
    return _engine_of(server, changed)


@lru_cache(maxsize=4)
def _engine_of(server: Path, _changed: int) -> Engine:
    """Asked once for each engine: it does not change while it stands there."""
    try:
        manifest = json.loads((server.parent / "engine.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        manifest = {}
    backends = {found[1] for path in server.parent.iterdir() if (found := _BACKEND.match(path.name))}
    return Engine(
        version=_version(server),
        commit=manifest.get("llama_cpp"),
        build=manifest.get("key"),
        backends=tuple(sorted(backends)),
    )


def _version(server: Path) -> str | None:
    try:
        said = subprocess.run([server, "--version"], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    lines = (said.stderr + said.stdout).splitlines()
    found = next((line for line in lines if line.startswith("version")), "")
    return found.partition(":")[2].strip() or None


@lru_cache(maxsize=1)
def python_packages() -> tuple[Part, ...]:
    found = {one.name: Part(one.name, one.version, _licence_of(one)) for one in distributions(path=sys.path)}
    return tuple(sorted(found.values(), key=lambda part: part.name.lower()))


def _licence_of(package: Distribution) -> str:
    data = package.metadata
    for field in ("License-Expression", "License"):
        name = (data[field] or "").strip() if field in data else ""
        if name and len(name) <= _SHORT_ENOUGH and "\n" not in name:
            return name
    classified = [c.rpartition(" :: ")[2] for c in data.get_all("Classifier") or [] if c.startswith("License ::")]
    return ", ".join(classified) or "see its text"
