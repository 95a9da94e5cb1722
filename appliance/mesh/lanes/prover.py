"""Handshakes for the lanes out of what this box can show at the moment."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

from appliance.mesh.identity.handshake import NONCE_BYTES, ClientHandshake, Credentials, ServerHandshake


class Prover:
    """`credentials` is asked for each connection, so that a new certificate or a removal counts from then on."""

    def __init__(
        self,
        credentials: Callable[[], Credentials],
        now: Callable[[], float] = time.time,
        random: Callable[[int], bytes] = os.urandom,
    ) -> None:
        self._credentials, self._now, self._random = credentials, now, random

    def client(self, server_der: bytes, lane: str, expected: str | None, *, join: bool) -> ClientHandshake:
        return ClientHandshake(
            self._credentials(),
            lane=lane,
            server_der=server_der,
            expected=expected,
            nonce=self._random(NONCE_BYTES),
            now=self._millis(),
            join=join,
        )

    def server(self, own_der: bytes, lane: str) -> ServerHandshake:
        nonce = self._random(NONCE_BYTES)
        return ServerHandshake(self._credentials(), lane=lane, own_der=own_der, nonce=nonce, now=self._millis())

    def _millis(self) -> int:
        return int(self._now() * 1000)
