"""The owner's token for repositories of the hub that need one: a file of its own that nobody else may read."""

from __future__ import annotations

import asyncio
import os
import re
from pathlib import Path

from appliance.models.failed import ModelProblem
from appliance.storage.errors import storage_failed

FILE = "hub-token"
_TOKEN = re.compile(r"[\x21-\x7e]{8,512}")


class BadToken(ModelProblem):
    """This cannot be a token."""

    def __init__(self, detail: str) -> None:
        super().__init__("no_token", detail)


class HubToken:
    """Never shown: it can be set, cleared, and asked whether it is there."""

    def __init__(self, secrets_dir: Path) -> None:
        self._path = secrets_dir / FILE

    async def read(self) -> str | None:
        return await asyncio.to_thread(self._read)

    async def known(self) -> bool:
        return await self.read() is not None

    async def set(self, token: str) -> None:
        """Raises BadToken, StorageFailed."""
        token = token.strip()
        if _TOKEN.fullmatch(token) is None:
            raise BadToken("This is no token: it has 8 to 512 letters, digits and signs, and no blanks.")
        try:
            await asyncio.to_thread(self._write, token)
        except OSError as error:
            raise storage_failed(error, self._path) from error

    async def clear(self) -> None:
        """Raises StorageFailed."""
        try:
            await asyncio.to_thread(self._path.unlink, missing_ok=True)
        except OSError as error:
            raise storage_failed(error, self._path) from error

    def _read(self) -> str | None:
        try:
            token = self._path.read_text().strip()
        except (OSError, UnicodeDecodeError):
            return None
        return token if _TOKEN.fullmatch(token) else None

    def _write(self, token: str) -> None:
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.unlink(missing_ok=True)
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(token + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
