"""TLS 1.3 with node keys: the certificate proves the server's, the client proves its own in-band, afterwards."""

from __future__ import annotations

import asyncio
import os
import ssl

from appliance.mesh.lanes.trouble import LaneError, Reason
from appliance.mesh.lanes.x509 import NodeCertificate, node_of

ALPN = "meshbox/1"
LANE = "tls"  # signed in every proof, so that none is good on the other lane


def server_context(certificate: NodeCertificate) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    _common(context)
    context.num_tickets = 0  # a resumed session would show no certificate
    _load(context, certificate.pem)
    return context


def client_context() -> ssl.SSLContext:
    """Trusts nobody's signature: which node answers is checked by its key, in `server_of`."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    _common(context)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _common(context: ssl.SSLContext) -> None:
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.set_alpn_protocols([ALPN])


def _load(context: ssl.SSLContext, pem: bytes) -> None:
    """The library reads keys from files only; this one is in memory and has no name."""
    descriptor = os.memfd_create("meshbox-node", os.MFD_CLOEXEC)
    try:
        os.write(descriptor, pem)
        context.load_cert_chain(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def server_of(transport: asyncio.BaseTransport, wanted: str | None) -> tuple[str, bytes]:
    """Who answered, and its certificate; not whom we `wanted` is an error."""
    tls = transport.get_extra_info("ssl_object")
    if tls is None or tls.selected_alpn_protocol() != ALPN:
        raise LaneError(Reason.TLS, "what answers there does not speak the protocol of the mesh")
    der = tls.getpeercert(binary_form=True)
    node = node_of(der)
    if wanted is not None and node != wanted:
        raise LaneError(Reason.WRONG_NODE, f"another box ({node}) answers there instead of {wanted}")
    return node, der
