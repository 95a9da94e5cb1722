"""Keeps the papers on disk, and where other boxes were found last. Everything that blocks runs in a thread."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.identity.belonging import Belonging, found_mesh
from appliance.mesh.identity.coding import SERIAL_BYTES
from appliance.mesh.identity.invites import Book
from appliance.mesh.identity.roster import Roster
from appliance.mesh.identity.store import MeshStore
from appliance.mesh.service.papers import Papers, now_ms
from appliance.mesh.service.setup import Setup
from appliance.storage.errors import StorageFailed, storage_failed

log = logging.getLogger("meshbox.mesh")

MOST_FOUND = 256  # boxes whose addresses are kept
_LONGEST = 1 << 20

Found = Mapping[str, tuple[str, ...]]


class Keeper:
    def __init__(self, folder: Path) -> None:
        self._store = MeshStore(folder)
        self._found_file = folder / "mesh.addresses"
        self._found: Found = {}
        self._lock = asyncio.Lock()
        self._kept: tuple[Papers, int] | None = None
        self._book: Book | None = None

    async def load(self, key: Ed25519PrivateKey, setup: Setup) -> Papers:
        """What is there, else a mesh of this box alone; raises MeshStateDamaged, StorageFailed."""
        loaded = await asyncio.to_thread(self._store.load)
        if loaded is not None:
            papers = Papers(key, *loaded, setup.trust)
            self._kept, self._book = (papers, papers.version), papers.book
            return papers
        papers = Papers(key, *own_mesh(key, setup), Book(), setup.trust)
        await self.save(papers)
        return papers

    async def save(self, papers: Papers) -> None:
        """Everything up to now is kept when this returns; raises StorageFailed."""
        async with self._lock:
            version = papers.version
            if self._kept == (papers, version):
                return
            belonging, roster, book = papers.belonging, papers.roster, papers.book
            if book is not self._book:
                await asyncio.to_thread(self._store.save_invites, belonging.anchor.mesh, book)
            await asyncio.to_thread(self._store.save, belonging, roster)
            self._kept, self._book = (papers, version), book

    async def found(self) -> Found:
        """Addresses by node: hints, which are lost without harm."""
        self._found = await asyncio.to_thread(_read, self._found_file)
        return self._found

    async def save_found(self, found: Found) -> None:
        if found == self._found:
            return
        try:
            async with self._lock:
                await asyncio.to_thread(_write, self._found_file, found)
            self._found = dict(found)
        except StorageFailed as error:
            log.warning("where other boxes are could not be kept: %s", error.detail)


def own_mesh(key: Ed25519PrivateKey, setup: Setup) -> tuple[Belonging, Roster]:
    return found_mesh(Ed25519PrivateKey.generate(), key, setup.mesh_name, os.urandom(SERIAL_BYTES), now_ms())


def _read(path: Path) -> Found:
    try:
        with path.open("rb") as file:
            known = json.loads(file.read(_LONGEST))
        return {str(node): tuple(str(each) for each in addresses) for node, addresses in known.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def _write(path: Path, found: Found) -> None:
    fresh = path.with_name(path.name + ".new")
    try:
        fresh.write_text(json.dumps({node: list(addresses) for node, addresses in found.items()}))
        fresh.replace(path)
    except OSError as error:
        raise storage_failed(error, path) from error
