"""The certificate that TLS shows, with its key: both stay in memory. What it proves is the node key."""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from appliance.mesh.identity.errors import Malformed
from appliance.mesh.identity.tls_certificate import node_key_in, self_signed
from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.storage.identity import id_of, node_id


@dataclass(frozen=True, slots=True)
class NodeCertificate:
    node: str
    key: Ed25519PrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """Certificate and key, as a TLS library reads them."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        return self.certificate.public_bytes(Encoding.PEM) + key


def certificate_of(key: Ed25519PrivateKey) -> NodeCertificate:
    return NodeCertificate(node_id(key), key, self_signed(key))


def node_of(der: bytes | None) -> str:
    """The node whose key stands in a certificate. That its owner holds the key was proved by TLS."""
    try:
        return id_of(node_key_in(der or b""))
    except Malformed as error:
        raise LaneError(Reason.TLS, "what answers shows no certificate of a box") from error
