"""Which removals count, and what follows for a certificate."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby

from appliance.mesh.identity.certificate import Certificate
from appliance.mesh.identity.errors import Reason, Untrusted
from appliance.mesh.identity.revocation import ANY_SERIAL, Cause, Revocation, mark_of

Target = tuple[str, bytes]  # node and serial


@dataclass(slots=True)
class _Out:
    """What the removals of one target say together: whoever of its removers keeps something, keeps it."""

    cause: Cause = Cause.LEFT
    keeps: set[bytes] = field(default_factory=set)
    upholds: set[bytes] = field(default_factory=set)

    def add(self, revocation: Revocation) -> None:
        said = revocation.said
        self.cause = max(self.cause, said.cause, key=list(Cause).index)
        self.keeps.update(said.keeps)
        self.upholds.update(said.upholds)


@dataclass(frozen=True, slots=True)
class Standing:
    effective: tuple[Revocation, ...]
    _out: Mapping[Target, _Out]

    def cause(self, node: str, serial: bytes) -> Cause | None:
        """Why a member is out; None when it is not."""
        found = list(_outs(self._out, node, serial))
        return max((out.cause for out in found), key=list(Cause).index, default=None)

    def holds(self, certificate: Certificate) -> bool:
        try:
            self.check(certificate)
        except Untrusted:
            return False
        return True

    def check(self, certificate: Certificate) -> None:
        """Raises Untrusted for who was removed and for what a removed box gave."""
        claims = certificate.claims
        match self.cause(claims.node, claims.serial):
            case Cause.BANNED:
                raise Untrusted(Reason.BANNED, f"Box {claims.node} is banned from this mesh.")
            case Cause.REMOVED | Cause.LEFT:
                raise Untrusted(
                    Reason.REMOVED, f"Box {claims.node} does not belong to this mesh any more. Invite it again."
                )
        if spoiler := next(_spoilers(certificate, self._out), None):
            raise Untrusted(
                Reason.REMOVED,
                f"Box {spoiler[0]}, which vouches for that box, was removed. Invite it again from another one.",
            )


def standing(revocations: Iterable[Revocation]) -> Standing:
    """From the mesh key outwards: a removal counts unless somebody nearer removed its signer without upholding it."""
    out: dict[Target, _Out] = {}
    effective: list[Revocation] = []
    for _, ring in groupby(sorted(revocations, key=lambda one: one.distance), key=lambda one: one.distance):
        counted = [one for one in ring if _counts(one, out)]
        for revocation in counted:
            out.setdefault(revocation.target, _Out()).add(revocation)
        effective += counted
    return Standing(tuple(effective), out)


def _counts(revocation: Revocation, nearer: Mapping[Target, _Out]) -> bool:
    """Members of one distance do not stop each other: those who remove each other are both out."""
    signer = revocation.signer
    if signer is None or revocation.said.cause is Cause.LEFT:
        return True
    hits = [*_removals(nearer, signer.node, signer.claims.serial), *(out for _, out in _spoilers(signer, nearer))]
    return not hits or any(revocation.mark in out.upholds for out in hits)


def _spoilers(certificate: Certificate, outs: Mapping[Target, _Out]) -> Iterator[tuple[str, _Out]]:
    """Removed boxes in the chain above it whose removers did not keep what hangs below them."""
    for below, above in zip(certificate.links, certificate.links[1:], strict=False):
        removals = list(_removals(outs, above.claims.node, above.claims.serial))
        if removals and not any(mark_of(below) in out.keeps for out in removals):
            yield from ((above.claims.node, out) for out in removals)


def _removals(outs: Mapping[Target, _Out], node: str, serial: bytes) -> Iterator[_Out]:
    """Who left did nothing wrong: what it gave stays good."""
    return (out for out in _outs(outs, node, serial) if out.cause is not Cause.LEFT)


def _outs(outs: Mapping[Target, _Out], node: str, serial: bytes) -> Iterator[_Out]:
    return (outs[target] for target in ((node, serial), (node, ANY_SERIAL)) if target in outs)
