"""Boxes with real certificates of one mesh."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.identity.anchor import Anchor, founded
from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.coding import SERIAL_BYTES
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.handshake import Credentials
from appliance.mesh.identity.issuing import Admission, Issuer, issue
from appliance.mesh.identity.signing import public_of
from appliance.mesh.identity.verifying import verify
from appliance.mesh.lanes.prover import Prover
from appliance.mesh.types import Role
from appliance.storage.identity import node_id

MESH_KEY = Ed25519PrivateKey.generate()
ANCHOR: Anchor = founded(public_of(MESH_KEY))


def now_ms() -> int:
    return int(time.time() * 1000)


@dataclass
class Member:
    """One box's view of who may be there. `removed` are those that it turns away."""

    key: Ed25519PrivateKey = field(default_factory=Ed25519PrivateKey.generate)
    certificate: Certificate | None = None
    removed: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.certificate = certificate_for(self.key)

    @property
    def node(self) -> str:
        return node_id(self.key)

    def prover(self) -> Prover:
        return Prover(lambda: Credentials(self.key, self.certificate, self._gate))

    def _gate(self, certificate: Certificate, now: int) -> None:
        verify(certificate, ANCHOR, now)
        if certificate.node in self.removed:
            raise Untrusted(Reason.REMOVED, "This box was removed from the mesh.")


def certificate_for(key: Ed25519PrivateKey) -> Certificate:
    serial, let_in_by = os.urandom(SERIAL_BYTES), node_id(MESH_KEY)
    admission = Admission(public_of(key), serial, Role.NODE, False, let_in_by, now_ms())
    return issue(Issuer(MESH_KEY), ANCHOR, admission, now_ms())
