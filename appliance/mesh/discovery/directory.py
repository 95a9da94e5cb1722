"""Where listings are kept: what any such place can do. Nothing is contacted before one of these is called."""

from __future__ import annotations

from typing import Protocol

from appliance.mesh.discovery.listing import Listing, Offer
from appliance.mesh.plain import plain


class DirectoryError(Exception):
    """Its text is for people; what a directory answered stands in it, made plain."""

    def __init__(self, text: str) -> None:
        super().__init__(plain(text, 300))


class Directory(Protocol):
    async def publish(self, offer: Offer) -> None:
        """Replaces what this node published of that mesh before."""

    async def discover(self, *, name: str = "", mesh: str = "") -> tuple[Listing, ...]:
        """All meshes; those of a name, or all listings of one mesh."""

    async def delete(self, mesh: str) -> None:
        """What this node published of it."""

    async def close(self) -> None:
        """Ends every connection. The next call begins anew."""
