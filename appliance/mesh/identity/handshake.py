"""How two boxes prove to each other who they are, over a connection that TLS already made private.

TLS proves the server's node key: the client looks for it in the server's X.509 certificate and pins the id it dialled.
The client proves its own by a signature over everything that was said, the lane, and the hash of that X.509
certificate, so that a proof is good on this one connection only.

    client  Hello      key, nonce, certificate (none when it asks to join)
    server  Challenge  nonce, certificate (none to who asks to join)
    client  Proof      signature
    server  Welcome    or, in place of any answer, Refused

Both ends take and give payloads of frames. `receive` never raises: what is wrong ends in `refused`, after which the
connection is closed once `send` has gone out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from appliance.mesh.identity import messages
from appliance.mesh.identity.certificate import Certificate, decode
from appliance.mesh.identity.coding import pack
from appliance.mesh.identity.errors import Malformed, Reason, Untrusted
from appliance.mesh.identity.messages import Challenge, Hello, Message, Proof, Refusal, Welcome
from appliance.mesh.identity.signing import Domain, public_of, sign, signed_by
from appliance.mesh.identity.tls_certificate import node_key_in
from appliance.mesh.plain import plain
from appliance.storage.identity import id_of

NONCE_BYTES = 32

Gate = Callable[[Certificate, int], None]  # raises Untrusted when a certificate is not good now (milliseconds)


@dataclass(frozen=True, slots=True)
class Credentials:
    """What this box has to show, and how it judges what others show."""

    key: Ed25519PrivateKey
    certificate: Certificate | None
    gate: Gate


@dataclass(frozen=True, slots=True)
class Peer:
    """Who is at the other end, proven."""

    node: str
    key: bytes
    certificate: Certificate | None  # None: a visitor, with the right to ask for being let in and none else
    skew_ms: int = 0  # its clock minus ours, as far as one message tells

    @property
    def visitor(self) -> bool:
        return self.certificate is None


@dataclass(frozen=True, slots=True)
class Reply:
    send: bytes = b""  # the payload of one frame; empty: nothing
    done: Peer | None = None
    refused: Refusal | None = None


def refusal(reason: Reason, text: str) -> Refusal:
    return Refusal(reason.value, text)


class ClientHandshake:
    """The end that dialled. `expected` is the id it dialled; None, for a typed address, is allowed with `join` only."""

    def __init__(
        self,
        credentials: Credentials,
        *,
        lane: str,
        server_der: bytes,
        expected: str | None,
        nonce: bytes,
        now: int,
        join: bool = False,
    ) -> None:
        self._credentials, self._lane, self._server_der = credentials, lane, server_der
        self._expected, self._now, self._join = expected, now, join
        self._hello = _hello(credentials, nonce, now, join=join)
        self._challenged: tuple[bytes, Peer] | None = None
        self._over = False

    def first(self) -> bytes:
        return self._hello

    def receive(self, payload: bytes) -> Reply:
        if self._over:
            return _refuse(_out_of_turn())
        try:
            reply = self._answer(payload, messages.read(payload))
        except Malformed as error:
            reply = _refuse(_garbage(error))
        except Untrusted as error:
            reply = Reply(refused=refusal(error.reason, error.text))
        self._over = reply.done is not None or reply.refused is not None
        return reply

    def _answer(self, payload: bytes, message: Message) -> Reply:
        match message, self._challenged:
            case Refusal(), _:
                return Reply(refused=message.shown())
            case Challenge(), None:
                peer = self._judge(message)
                self._challenged = payload, peer
                signed = transcript(self._lane, self._server_der, self._hello, payload)
                return Reply(pack(Proof(sign(self._credentials.key, Domain.HANDSHAKE, signed))))
            case Welcome(), (_, peer):
                return Reply(done=peer)
            case _:
                return Reply(refused=_out_of_turn())

    def _judge(self, challenge: Challenge) -> Peer:
        key = node_key_in(self._server_der)
        node = id_of(key)
        self._check_dialled(node)
        skew = challenge.now - self._now
        if self._join:
            return Peer(node, key, None, skew)
        if not challenge.certificate:
            raise Untrusted(Reason.NO_CERTIFICATE, f"Box {node} shows no certificate: it belongs to no mesh.")
        return Peer(node, key, _certificate(challenge.certificate, key, self._credentials.gate, self._now), skew)

    def _check_dialled(self, node: str) -> None:
        if node == id_of(public_of(self._credentials.key)):
            raise Untrusted(Reason.SAME_IDENTITY, _SAME_IDENTITY)
        if self._expected is None and not self._join:
            raise Untrusted(Reason.WRONG_NODE, "Which box is meant has to be known before it is dialled.")
        if self._expected not in (None, node):
            raise Untrusted(
                Reason.WRONG_NODE,
                f"Box {node} answers where box {self._expected} was expected: the address went to another machine.",
            )


class ServerHandshake:
    """The end that was dialled. `own_der` is the X.509 certificate that it shows in TLS."""

    def __init__(self, credentials: Credentials, *, lane: str, own_der: bytes, nonce: bytes, now: int) -> None:
        self._credentials, self._lane, self._own_der = credentials, lane, own_der
        self._nonce, self._now = nonce, now
        self._pending: tuple[Peer, bytes] | None = None  # and what it has to sign
        self._over = False

    def receive(self, payload: bytes) -> Reply:
        if self._over:
            return _refuse(_out_of_turn())
        try:
            reply = self._greet(payload) if self._pending is None else self._check(payload, *self._pending)
        except Malformed as error:
            reply = _refuse(_garbage(error))
        except Untrusted as error:
            reply = _refuse(refusal(error.reason, error.text))
        self._over = reply.done is not None or reply.refused is not None
        return reply

    def _greet(self, payload: bytes) -> Reply:
        if messages.version_of(payload) not in messages.UNDERSTOOD:
            return _refuse(_other_version(messages.version_of(payload)))
        hello = messages.read(payload)
        if not isinstance(hello, Hello):
            return _refuse(_out_of_turn())
        peer = self._judge(hello)
        certificate = self._credentials.certificate
        shown = b"" if hello.join or certificate is None else certificate.encoded()
        challenge = pack(Challenge(self._nonce, self._now, shown))
        self._pending = peer, transcript(self._lane, self._own_der, payload, challenge)
        return Reply(challenge)

    def _judge(self, hello: Hello) -> Peer:
        node, skew = id_of(hello.key), hello.now - self._now
        if hello.key == public_of(self._credentials.key):
            raise Untrusted(Reason.SAME_IDENTITY, _SAME_IDENTITY)
        if hello.join:
            return Peer(node, hello.key, None, skew)
        if not hello.certificate:
            raise Untrusted(Reason.NO_CERTIFICATE, "That box has no certificate of this mesh. Invite it first.")
        return Peer(
            node, hello.key, _certificate(hello.certificate, hello.key, self._credentials.gate, self._now), skew
        )

    def _check(self, payload: bytes, peer: Peer, signed: bytes) -> Reply:
        proof = messages.read(payload)
        if not isinstance(proof, Proof):
            return _refuse(_out_of_turn())
        if not signed_by(peer.key, proof.signature, Domain.HANDSHAKE, signed):
            return _refuse(refusal(Reason.PROOF, "That box did not prove that the key it shows is its own."))
        return Reply(pack(Welcome()), done=peer)


def transcript(lane: str, server_der: bytes, hello: bytes, challenge: bytes) -> bytes:
    """What the client signs: hashes of one length each, so that nothing can be shifted between them."""
    parts = (lane.encode(), server_der, hello, challenge)
    return b"".join(hashlib.sha256(part).digest() for part in parts)


def _hello(credentials: Credentials, nonce: bytes, now: int, *, join: bool) -> bytes:
    shown = credentials.certificate.encoded() if credentials.certificate and not join else b""
    return pack(Hello(public_of(credentials.key), nonce, now, join, shown))


def _certificate(data: bytes, key: bytes, gate: Gate, now: int) -> Certificate:
    certificate = decode(data)
    if certificate.claims.key != key:
        raise Untrusted(Reason.WRONG_NODE, "That box shows the certificate of another one.")
    gate(certificate, now)
    return certificate


def _refuse(refused: Refusal) -> Reply:
    return Reply(pack(refused), refused=refused)


def _garbage(error: Malformed) -> Refusal:
    return refusal(Reason.GARBAGE, f"What was sent cannot be read: {plain(str(error), 300)}.")


def _out_of_turn() -> Refusal:
    return refusal(Reason.GARBAGE, "That message does not belong here.")


def _other_version(version: int) -> Refusal:
    known = ", ".join(str(number) for number in messages.UNDERSTOOD)
    return refusal(
        Reason.VERSION,
        f"That box speaks version {version} of the mesh and this one knows {known}. Update the older one.",
    )


_SAME_IDENTITY = (
    "Both ends have the same identity: the box called itself, or a data folder was copied. "
    "Give each box a data folder of its own."
)
