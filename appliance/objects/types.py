"""An object as its owner knows it, its limits, and what can be wrong with one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

MIB = 1 << 20
LARGEST = 50 * MIB
LIFETIME_SECONDS = 15 * 60.0
USES = 3
MOST_KEPT = 128
MOST_UPLOADS = 16  # at once
SCHEME = "meshbox://objects/"
ANYBODY = ""  # who came without a key


class ObjectProblem(Exception):
    """`status` is the one that HTTP has for it."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status, self.code, self.detail = status, code, detail


@dataclass(frozen=True, slots=True)
class Party:
    """Who asks. `key` is an API key's id. `share` is by whom room is counted: the key, else an address.

    `logged_in`: a person of the box, who may use everything and whose objects open to whoever was given their id.
    """

    key: str = ANYBODY
    share: str = ""
    logged_in: bool = False


OWNER = Party(share="login", logged_in=True)


@dataclass(frozen=True, slots=True)
class Blob:
    """`type` is what the bytes are, whatever they were called."""

    id: str
    size: int
    type: str
    expires_at: float
    uses_left: int

    @property
    def url(self) -> str:
        return SCHEME + self.id

    def document(self) -> dict[str, object]:
        """As its owner is told of it."""
        expires = datetime.fromtimestamp(self.expires_at, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        fields = {"id": self.id, "url": self.url, "size": self.size, "type": self.type}
        return {**fields, "expires_at": expires, "uses_left": self.uses_left}
