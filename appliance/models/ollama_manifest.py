"""What Ollama writes down of a model: a list of layers, each a file that is called by its checksum. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

LARGEST = 1 << 20  # bytes; the usual ones have one or two thousand

_HOST, _NAMESPACE, _TAG = "registry.ollama.ai", "library", "latest"
_PART = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,199}")
_DIGEST = re.compile(r"sha256:([0-9a-f]{64})")
_KIND = "application/vnd.ollama.image."

ADAPTED = (
    "It changes another model by an adapter (LoRA), and only Ollama puts the two together. Serve the model it is made "
    "from, or a file in which both are merged."
)
SAFETENSORS = "It is kept as safetensors, which the engine does not read. Get the same model as GGUF."
IN_PIECES = "It lies in several files under names by which the engine does not find them. Get it as one file."
NOT_READABLE = "What Ollama wrote down of it cannot be read. Get it anew there."


@dataclass(frozen=True, slots=True)
class Layers:
    """The checksums of the files that make up a model."""

    model: str
    projector: str | None = None


@dataclass(frozen=True, slots=True)
class Refused:
    reason: str
    foreign: bool = True


@dataclass(frozen=True, slots=True)
class Name:
    """`id` can stand in an address; the others are what Ollama calls it, when that differs."""

    id: str
    full: str
    also: tuple[str, ...] = ()


class _Layer(msgspec.Struct):
    mediaType: str = ""  # noqa: N815 - as the format has it
    digest: str = ""


class _Manifest(msgspec.Struct):
    layers: list[_Layer] | None = None


def name_of(parts: Sequence[str]) -> Name | None:
    """Of host, namespace, model and tag, as Ollama shows it: without what is usual."""
    if not all(_PART.fullmatch(part) for part in parts):
        return None
    host, namespace, model, tag = parts
    owner = [host, namespace] if host != _HOST else [namespace] if namespace != _NAMESPACE else []
    ending = "" if tag == _TAG else f":{tag}"
    name, full = ("--".join([*owner, model]) + ending, "/".join([*owner, model]) + f":{tag}")
    short = "/".join([*owner, model]) + ending
    return Name(name, full, tuple(other for other in dict.fromkeys((short, full)) if other != name))


def read_manifest(data: bytes | None) -> Layers | Refused | None:
    """None when nothing of the model lies here: it is run elsewhere."""
    try:
        layers = msgspec.json.decode(data or b"", type=_Manifest).layers or []
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Refused(NOT_READABLE, foreign=False)
    found = {kind: [layer.digest for layer in layers if _kind(layer) == kind] for kind in map(_kind, layers)}
    models = found.get("model", [])
    if "tensor" in found:
        return Refused(SAFETENSORS)
    if not models:
        return None
    if "adapter" in found:
        return Refused(ADAPTED)
    if len(models) > 1:
        return Refused(IN_PIECES)
    return _checked(models[0], next(iter(found.get("projector", [])), None))


def _checked(model: str, projector: str | None) -> Layers | Refused:
    """A checksum becomes the name of a file: it must be nothing else."""
    digests = [_DIGEST.fullmatch(digest) for digest in (model, projector) if digest is not None]
    if not all(digests):
        return Refused(NOT_READABLE, foreign=False)
    return Layers(*(match[1] for match in digests if match))


def _kind(layer: _Layer) -> str:
    return layer.mediaType.partition(";")[0].strip().removeprefix(_KIND)
