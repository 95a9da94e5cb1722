"""Folders as other programs keep them, built by their published formats."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

KIND = "application/vnd.ollama.image."
REGISTRY = "registry.ollama.ai"


class OllamaStore:
    """`~/.ollama/models`, also under another name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("blobs", "manifests"):
            (folder / name).mkdir(parents=True, exist_ok=True)

    def add(self, name: str, **layers: Path | bytes) -> Path:
        """`namespace/model:tag` with layers by their kind; returns the file of the first layer."""
        listed = [self.layer(kind, content) for kind, content in layers.items()]
        self.write(name, self.manifest(listed))
        return self.blob(listed[0]["digest"])

    def layer(self, kind: str, content: Path | bytes) -> dict[str, Any]:
        data = content if isinstance(content, bytes) else content.read_bytes()
        digest = f"sha256:{hashlib.sha256(data).hexdigest()}"
        self.blob(digest).write_bytes(data)
        return {"mediaType": KIND + kind, "digest": digest, "size": len(data)}

    def manifest(self, layers: list[dict[str, Any]]) -> bytes:
        config = self.layer("config", json.dumps({"model_format": "gguf", "model_family": "qwen3"}).encode())
        config["mediaType"] = "application/vnd.docker.container.image.v1+json"
        kind = "application/vnd.docker.distribution.manifest.v2+json"
        return json.dumps({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": layers}).encode()

    def write(self, name: str, manifest: bytes) -> Path:
        path = self.path_of(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(manifest)
        return path

    def path_of(self, name: str) -> Path:
        whole, _, tag = name.partition(":")
        *owner, model = whole.split("/")
        host, namespace = {0: (REGISTRY, "library"), 1: (REGISTRY, *owner), 2: tuple(owner)}[len(owner)]
        return self.folder / "manifests" / host / namespace / model / (tag or "latest")

    def blob(self, digest: str) -> Path:
        return self.folder / "blobs" / digest.replace(":", "-")


class HuggingFaceCache:
    """`~/.cache/huggingface/hub`, also under another name."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def add(
        self, repo: str, files: Mapping[str, Path | bytes], *, revision: str = "a" * 40, ref: str | None = "main"
    ) -> Path:
        """The snapshot of a revision; without links when the machine knows none."""
        home = self.repository(repo)
        snapshot = home / "snapshots" / revision
        for name, content in files.items():
            data = content if isinstance(content, bytes) else content.read_bytes()
            blob = home / "blobs" / hashlib.sha256(data).hexdigest()
            blob.parent.mkdir(parents=True, exist_ok=True)
            blob.write_bytes(data)
            link = snapshot / name
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(Path("../" * (2 + name.count("/")), "blobs", blob.name))
        if ref is not None:
            (home / "refs").mkdir(exist_ok=True)
            (home / "refs" / ref).write_text(revision)
        return snapshot

    def repository(self, repo: str) -> Path:
        return self.folder / f"models--{repo.replace('/', '--')}"


def lm_studio(folder: Path, repo: str, *files: Path) -> Path:
    """`~/.lmstudio/models`: publisher, repository, files."""
    home = folder / repo
    home.mkdir(parents=True, exist_ok=True)
    for file in files:
        shutil.copyfile(file, home / file.name)
    return home


def without_links(snapshot: Path) -> None:
    """As the cache is on machines without links: the files themselves, and no blobs."""
    for link in snapshot.rglob("*"):
        if link.is_symlink():
            blob = link.resolve()
            link.unlink()
            blob.replace(link)
