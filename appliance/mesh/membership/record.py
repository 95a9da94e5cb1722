"""Facts with the signature of their node: how they are sealed, and what of others is even looked at."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, Any

import msgspec
from msgspec import Meta, Struct

from appliance.mesh.membership.facts import Facts
from appliance.mesh.membership.types import Trust
from appliance.mesh.membership.wire import Count, Malformed, Node

LARGEST = 8 * 1024
LARGEST_PROOF = 4 * 1024
LARGEST_BLOB = LARGEST + LARGEST_PROOF + 256
DOMAIN = b"meshbox/1 record\0"


class Body(Struct, frozen=True, array_like=True):
    node: Node
    incarnation: Count
    version: Count
    at: Count  # wall clock of the node, ms
    facts: Facts


class _Sealed(Struct, frozen=True, array_like=True):
    body: Annotated[bytes, Meta(max_length=LARGEST)]
    signature: Annotated[bytes, Meta(max_length=128)]
    proof: Annotated[bytes, Meta(max_length=LARGEST_PROOF)]


@dataclass(frozen=True, slots=True)
class Record:
    """An opened one. Nothing in it is believed before `genuine` says yes."""

    node: str
    incarnation: int
    version: int
    at: int
    facts: Facts
    blob: bytes
    signed: bytes
    signature: bytes
    proof: bytes

    @property
    def age(self) -> tuple[int, int]:
        return (self.incarnation, self.version)

    def genuine(self, trust: Trust) -> bool:
        return trust.verify(self.node, self.signed, self.signature, self.proof)


_ENCODER = msgspec.msgpack.Encoder()
_BODY = msgspec.msgpack.Decoder(Body)
_SEALED = msgspec.msgpack.Decoder(_Sealed)


def seal(body: Body, trust: Trust) -> Record:
    """The record as it travels; facts that are too much are left out, the least important first."""
    data = _fitting(body)
    signed = DOMAIN + data
    signature, proof = trust.sign(signed), trust.proof()
    blob = _ENCODER.encode(_Sealed(data, signature, proof))
    facts = _BODY.decode(data).facts
    return Record(body.node, body.incarnation, body.version, body.at, facts, blob, signed, signature, proof)


@lru_cache(maxsize=2048)
def opened(blob: bytes) -> Record:
    """Kept, because the same bytes come from many sides."""
    if len(blob) > LARGEST_BLOB:
        raise Malformed(f"a record of {len(blob)} bytes")
    try:
        sealed = _SEALED.decode(blob)
        body = _BODY.decode(sealed.body)
    except (msgspec.MsgspecError, ValueError, RecursionError, OverflowError) as error:
        raise Malformed(str(error)) from error
    signed = DOMAIN + sealed.body
    return Record(
        body.node,
        body.incarnation,
        body.version,
        body.at,
        body.facts,
        blob,
        signed,
        sealed.signature,
        sealed.proof,
    )


def _fitting(body: Body) -> bytes:
    facts = body.facts
    while len(data := _ENCODER.encode(msgspec.structs.replace(body, facts=facts))) > LARGEST:
        facts = _shorter(facts)
    return data


def _shorter(facts: Facts) -> Facts:
    """Half of the longest of the lists that may be cut; what is served is kept before what only lies there."""
    longest = max(("demand", "models", "gpus", "counters"), key=lambda name: len(_ENCODER.encode(getattr(facts, name))))
    kept = getattr(facts, longest)
    if longest == "models":
        kept = sorted(kept, key=lambda model: model.state == "available")
    changes: dict[str, Any] = {longest: tuple(kept[: len(kept) // 2])}
    return msgspec.structs.replace(facts, **changes)


def knows_counts_of(record: Record, former: Record) -> bool:
    """Has a node told everything again that it had counted in a life before?"""
    counts = _counts(record)
    return all(counts.get(key, 0) >= count for key, count in _counts(former).items())


def _counts(record: Record) -> dict[tuple[str, int], int]:
    return {(fact.model, epoch): count for fact in record.facts.demand for epoch, count in fact.counts}
