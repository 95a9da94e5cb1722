"""Two boxes prove to each other who they are."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.identity.coding import pack
from appliance.mesh.identity.errors import Reason
from appliance.mesh.identity.handshake import ClientHandshake, Peer, Reply, ServerHandshake
from appliance.mesh.identity.messages import Challenge, Hello, Proof, Refusal, Welcome
from tests.unit.mesh.identity.people import MINUTE, NOW, Box, box, bytes_of, member, node_of

ANNA, BERT = box("anna", member("anna")), box("bert", member("bert"))
STRANGER = box("stranger", None)


def client(
    of: Box,
    to: Box,
    *,
    lane: str = "tls",
    join: bool = False,
    expected: str | None = "",
    now: int = NOW,
    nonce: str = "c",
) -> ClientHandshake:
    return ClientHandshake(
        of.credentials,
        lane=lane,
        server_der=to.der,
        expected=to.node if expected == "" else expected,
        nonce=bytes_of(nonce),
        now=now,
        join=join,
    )


def server(of: Box, *, lane: str = "tls", now: int = NOW, nonce: str = "s") -> ServerHandshake:
    return ServerHandshake(of.credentials, lane=lane, own_der=of.der, nonce=bytes_of(nonce), now=now)


def meet(one: ClientHandshake, other: ServerHandshake) -> tuple[Reply, Reply]:
    """The last word of each end: client, server."""
    at_server = other.receive(one.first())
    at_client = one.receive(at_server.send)
    while at_client.send and at_client.refused is None:
        at_server = other.receive(at_client.send)
        at_client = one.receive(at_server.send)
    return at_client, at_server


def reason(reply: Reply) -> str:
    assert reply.refused is not None
    assert reply.refused.text.endswith(".")
    assert reply.done is None
    return reply.refused.reason


def test_two_members_know_each_other() -> None:
    """Both ends end up with the other's id, key and certificate."""
    at_client, at_server = meet(client(ANNA, BERT), server(BERT))
    assert at_client == Reply(done=Peer(BERT.node, member("bert").claims.key, member("bert")))
    assert at_server.done == Peer(ANNA.node, member("anna").claims.key, member("anna"))


def test_who_asks_to_join_is_a_visitor() -> None:
    """Known by its key, with no rights; and it is told nothing of the mesh."""
    hello = client(STRANGER, BERT, join=True)
    other = server(BERT)
    challenge = other.receive(hello.first())
    assert msgspec.msgpack.decode(challenge.send, type=Challenge).certificate == b""
    at_server = other.receive(hello.receive(challenge.send).send)
    assert at_server.done is not None
    assert at_server.done.visitor
    assert at_server.done.node == STRANGER.node
    at_client = hello.receive(at_server.send)
    assert at_client.done is not None
    assert (at_client.done.node, at_client.done.certificate) == (BERT.node, None)


def test_a_typed_address_can_be_asked_to_join() -> None:
    """Which box lives there is only known afterwards; the six digits make sure."""
    at_client, _ = meet(client(STRANGER, BERT, join=True, expected=None), server(BERT))
    assert at_client.done is not None
    assert at_client.done.node == BERT.node


def test_a_stranger_gets_nothing_without_asking_to_join() -> None:
    """Neither a certificate nor a nonce."""
    reply = server(BERT).receive(client(STRANGER, BERT).first())
    assert reason(reply) == Reason.NO_CERTIFICATE
    assert isinstance(msgspec.msgpack.decode(reply.send, type=Refusal), Refusal)


def test_a_typed_address_alone_is_not_enough_for_a_member() -> None:
    """A member dials a box, not an address."""
    assert reason(meet(client(ANNA, BERT, expected=None), server(BERT))[0]) == Reason.WRONG_NODE


def test_another_box_at_the_address_is_noticed() -> None:
    """The id that was dialled is pinned."""
    at_client, _ = meet(client(ANNA, BERT, expected=node_of("carla")), server(BERT))
    assert reason(at_client) == Reason.WRONG_NODE


def test_a_server_without_certificate_is_no_member() -> None:
    """Its key alone says nothing."""
    at_client, _ = meet(client(ANNA, STRANGER), server(STRANGER))
    assert reason(at_client) == Reason.NO_CERTIFICATE


def test_the_certificate_of_another_box_is_worth_nothing() -> None:
    """Certificates are public; the key in it has to be proven."""
    thief = box("thief", member("anna"))
    assert reason(meet(client(thief, BERT), server(BERT))[1]) == Reason.WRONG_NODE
    assert reason(meet(client(ANNA, thief), server(thief))[0]) == Reason.WRONG_NODE


def test_a_proof_by_another_key_is_refused() -> None:
    """A hello can be repeated by anybody, its proof cannot be made."""
    honest, other = client(ANNA, BERT), server(BERT)
    other.receive(honest.first())
    assert reason(other.receive(pack(Proof(bytes(64))))) == Reason.PROOF


def test_a_replayed_handshake_is_refused() -> None:
    """What was recorded on one connection does not open another: the nonce of the server is fresh."""
    honest, first = client(ANNA, BERT), server(BERT)
    hello = honest.first()
    proof = honest.receive(first.receive(hello).send).send
    assert first.receive(proof).done is not None
    second = server(BERT, nonce="another")
    second.receive(hello)
    assert reason(second.receive(proof)) == Reason.PROOF


def test_a_reflected_proof_is_refused() -> None:
    """A box in the middle cannot use the proof it gets for logging in elsewhere: the proof names the server's key."""
    middle, target = box("middle", member("middle")), server(BERT)
    honest = client(ANNA, middle)
    challenge = target.receive(honest.first())  # passed on to the real target
    proof = honest.receive(_challenge_of(middle, challenge.send)).send
    assert proof
    assert reason(target.receive(proof)) == Reason.PROOF


def test_a_reflected_proof_of_a_visitor_is_refused() -> None:
    """The same where the challenge names nobody: on a typed address the box in the middle may be any."""
    middle, target = box("middle", member("middle")), server(BERT)
    honest = client(STRANGER, middle, join=True, expected=None)
    proof = honest.receive(target.receive(honest.first()).send).send
    assert reason(target.receive(proof)) == Reason.PROOF


def _challenge_of(middle: Box, challenge: bytes) -> bytes:
    """The same nonce with the certificate of the box in the middle."""
    assert middle.credentials.certificate is not None
    said = msgspec.msgpack.decode(challenge, type=Challenge)
    return pack(msgspec.structs.replace(said, certificate=middle.credentials.certificate.encoded()))


def test_a_proof_is_good_on_one_lane_only() -> None:
    """Recorded on QUIC, useless on TLS."""
    assert reason(meet(client(ANNA, BERT, lane="quic"), server(BERT, lane="tls"))[1]) == Reason.PROOF


def test_a_hello_that_was_changed_on_its_way_does_not_pass() -> None:
    """The proof covers every byte that was said."""
    honest, other = client(ANNA, BERT), server(BERT)
    said = msgspec.msgpack.decode(honest.first(), type=Hello)
    challenge = other.receive(pack(msgspec.structs.replace(said, now=said.now + 1)))
    assert reason(other.receive(honest.receive(challenge.send).send)) == Reason.PROOF


def test_a_box_that_calls_itself_is_told_so() -> None:
    """An address of its own, or a copied data folder: both look like this."""
    assert reason(server(ANNA).receive(client(ANNA, BERT).first())) == Reason.SAME_IDENTITY
    challenge = server(ANNA).receive(client(STRANGER, ANNA, join=True).first())
    assert reason(client(ANNA, ANNA).receive(challenge.send)) == Reason.SAME_IDENTITY


def test_a_certificate_that_ended_is_refused_at_both_ends() -> None:
    """With the reason in words."""
    later = NOW + 200 * 24 * 60 * MINUTE
    at_client, at_server = meet(client(ANNA, BERT, now=later), server(BERT, now=later))
    assert (reason(at_server), reason(at_client)) == (Reason.EXPIRED, Reason.EXPIRED)
    fresh = box("anna", member("anna", now=later))
    assert reason(meet(client(fresh, BERT, now=later), server(BERT, now=later))[0]) == Reason.EXPIRED


def test_clocks_that_differ_are_measured() -> None:
    """Each end learns by how much."""
    at_client, at_server = meet(client(ANNA, BERT), server(BERT, now=NOW + 5 * MINUTE))
    assert at_client.done is not None
    assert at_server.done is not None
    assert (at_client.done.skew_ms, at_server.done.skew_ms) == (5 * MINUTE, -5 * MINUTE)


@pytest.mark.parametrize("version", [0, 2, 99])
def test_another_version_is_refused_politely(version: int) -> None:
    """Whatever the rest of its hello looks like, it learns which versions are understood."""
    reply = server(BERT).receive(msgspec.msgpack.encode({"t": "hello-of-the-future", "v": version, "x": [1, 2]}))
    assert reason(reply) == Reason.VERSION
    assert msgspec.msgpack.decode(reply.send, type=Refusal).understood == (1,)


def test_a_refusal_reaches_the_other_end_harmless() -> None:
    """Texts of others are made plain before anybody sees them."""
    reply = client(ANNA, BERT).receive(pack(Refusal("ba\x1bd", "Go\u202eaway\n.", (7,))))
    assert reply.refused == Refusal("bad", "Goaway .", (7,))


def test_unknown_fields_are_ignored() -> None:
    """A later box may say more."""
    honest, other = client(ANNA, BERT), server(BERT)
    more = {**msgspec.msgpack.decode(honest.first()), "later": {"a": [1]}}
    assert other.receive(msgspec.msgpack.encode(more)).refused is None


@pytest.mark.parametrize("message", [Welcome(), Proof(bytes(64)), Challenge(bytes(32), NOW)])
def test_messages_have_their_turn(message: object) -> None:
    """Nothing but a hello opens a conversation, and only an answer is an answer."""
    assert reason(server(BERT).receive(pack(message))) in (Reason.GARBAGE, Reason.VERSION)
    if not isinstance(message, Challenge):
        assert reason(client(ANNA, BERT).receive(pack(message))) == Reason.GARBAGE


def test_nothing_comes_after_the_end() -> None:
    """A handshake that is over, either way, stays over."""
    one, other = client(ANNA, BERT), server(BERT)
    meet(one, other)
    assert reason(one.receive(pack(Welcome()))) == Reason.GARBAGE
    assert reason(other.receive(client(ANNA, BERT).first())) == Reason.GARBAGE


def test_a_server_certificate_that_cannot_be_read_is_refused() -> None:
    """TLS libraries hand on what they got."""
    one = client(ANNA, replace(BERT, der=b"nonsense"), expected=BERT.node)
    assert reason(one.receive(server(BERT).receive(one.first()).send)) == Reason.GARBAGE


@given(st.binary(max_size=400))
def test_garbage_ends_in_a_refusal(data: bytes) -> None:
    """At each end, in each state, and in nothing else."""
    assert server(BERT).receive(data).refused is not None
    assert client(ANNA, BERT).receive(data).refused is not None
    waiting = server(BERT)
    waiting.receive(client(ANNA, BERT).first())
    assert waiting.receive(data).refused is not None


@given(st.integers(0, 3), st.integers(0, 2000), st.integers(1, 255))
def test_a_byte_changed_anywhere_never_opens_a_connection(turn: int, place: int, change: int) -> None:
    """Whoever changes one byte of what a client says gets a refusal, or changed nothing that means anything."""
    one, other = client(ANNA, BERT), server(BERT)
    hello = _changed(one.first(), place, change) if turn == 0 else one.first()
    challenge = other.receive(hello)
    if challenge.refused is not None:
        return
    sent = _changed(challenge.send, place, change) if turn == 1 else challenge.send
    proof = one.receive(sent)
    if proof.refused is not None:
        return
    last = other.receive(_changed(proof.send, place, change) if turn == 2 else proof.send)
    assert (last.done is not None) == (turn == 3)


def _changed(data: bytes, place: int, change: int) -> bytes:
    place %= len(data)
    return data[:place] + bytes([data[place] ^ change]) + data[place + 1 :]


def test_deep_nesting_is_garbage() -> None:
    """A parser that recurses is not brought down by it."""
    nested = b"\x81\xa1x" + b"\x91" * 60_000
    assert reason(server(BERT).receive(nested)) in (Reason.GARBAGE, Reason.VERSION)
