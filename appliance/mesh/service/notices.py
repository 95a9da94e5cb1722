"""Removals, certificates and new mesh keys as items of gossip: small, each good by itself, the same on all boxes."""

from __future__ import annotations

import logging

from appliance.mesh.identity import certificate as certificates
from appliance.mesh.identity import revocation as revocations
from appliance.mesh.identity.anchor import Rotation
from appliance.mesh.identity.coding import pack, unpack
from appliance.mesh.identity.errors import Malformed
from appliance.mesh.membership.table import LARGEST_TOPIC_ITEM
from appliance.mesh.service.papers import Papers, Record

log = logging.getLogger("meshbox.mesh")

CERTIFICATE, REMOVAL, ROTATION = "certificate", "removal", "rotation"
_MOST_ROTATION = 1024

Notice = tuple[str, bytes]  # topic and data


def notices_of(papers: Papers) -> tuple[Notice, ...]:
    """All that this box tells, in the order in which it is understood best."""
    roster = papers.told()
    found = [
        *((ROTATION, pack(one)) for one in papers.belonging.anchor.rotations),
        *((REMOVAL, one.encoded()) for one in roster.revocations.values()),
        *((CERTIFICATE, one.encoded()) for one in roster.certificates.values()),
    ]
    return tuple((topic, data) for topic, data in found if _fits(topic, data))


def _fits(topic: str, data: bytes) -> bool:
    if len(data) > LARGEST_TOPIC_ITEM:
        log.warning("a %s of %d bytes is too long to be passed on", topic, len(data))
        return False
    return True


def accept(papers: Papers, topic: str, data: bytes) -> bool:
    """Whether an item of others is good; what is new in it is known from then on. Never raises."""
    try:
        match topic:
            case "rotation":
                rotation = unpack(data, Rotation, _MOST_ROTATION)
                return papers.follow((rotation,)) or rotation in papers.belonging.anchor.rotations
            case "removal":
                return _learned(papers, revocations.decode(data))
            case "certificate":
                return _learned(papers, certificates.decode(data))
    except Malformed:
        pass
    return False


def _learned(papers: Papers, record: Record) -> bool:
    if not papers.holds(record):
        papers.learn((record,))
    return papers.holds(record)
