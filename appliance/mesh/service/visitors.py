"""The question `join`: answers who wants in, and who comes back for a new certificate."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable

from appliance.mesh.identity.errors import Reason as Why
from appliance.mesh.identity.handshake import Peer
from appliance.mesh.identity.joining import Admitted, Caller, answer, encoded
from appliance.mesh.identity.messages import Refusal
from appliance.mesh.lanes import contract
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.service.keeping import Keeper
from appliance.mesh.service.papers import Papers, now_ms
from appliance.storage.errors import StorageFailed

Asked = Callable[[contract.Peer, bytes], Awaitable[bytes]]


class Visitors:
    """`changed`: somebody asks or was let in. `ahead`: that node has a newer key of the mesh than this box."""

    def __init__(self, keeper: Keeper, changed: Callable[[], None], ahead: Callable[[str], None]) -> None:
        self._keeper, self._changed, self._ahead = keeper, changed, ahead

    async def answer(self, papers: Papers, peer: contract.Peer, payload: bytes) -> bytes:
        """Nothing goes out before it is kept: an invitation that was used stays used."""
        if not isinstance(peer, Peer):
            raise LaneError(Reason.TRUST, "who asks has not proved who it is")
        desk = papers.desk
        office, said = answer(papers.office(), Caller(peer, "", now_ms(), os.urandom), payload)
        papers.returned(office)
        if isinstance(said, Admitted):
            await self._kept(papers)
        if isinstance(said, Admitted) or papers.desk is not desk:
            self._changed()
        if isinstance(said, Refusal) and said.reason == Why.NEW_KEY:
            self._ahead(peer.node)
        return encoded(said)

    async def _kept(self, papers: Papers) -> None:
        try:
            await self._keeper.save(papers)
        except StorageFailed as error:
            text = "that box could not store that it let this one in; its page says why"
            raise LaneError(Reason.FAILED, text) from error
