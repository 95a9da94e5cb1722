"""Why something from another box is not believed."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """Travels in refusals: a box that does not know a word of these shows the text beside it."""

    VERSION = "version"
    GARBAGE = "garbage"
    NO_CERTIFICATE = "no_certificate"
    OTHER_MESH = "other_mesh"
    BAD_SIGNATURE = "bad_signature"
    CHAIN_TOO_LONG = "chain_too_long"
    OUTLIVES_ISSUER = "outlives_issuer"
    NO_RIGHT = "no_right"
    NOT_YET = "not_yet"
    EXPIRED = "expired"
    OLD_KEY = "old_key"  # signed under a mesh key that was replaced
    NEW_KEY = "new_key"  # signed under a mesh key that this box has not heard of
    REMOVED = "removed"
    BANNED = "banned"
    WRONG_NODE = "wrong_node"
    SAME_IDENTITY = "same_identity"
    PROOF = "proof"
    FORK = "fork"  # two successors of one mesh key
    UNKNOWN = "unknown"
    USED_UP = "used_up"
    WITHDRAWN = "withdrawn"
    TAMPERED = "tampered"
    FULL = "full"
    WAITING = "waiting"
    REJECTED = "rejected"
    UNTRUSTED_OWNER = "untrusted_owner"


class Malformed(Exception):
    """Bytes or a text from elsewhere that do not mean anything."""


class Untrusted(Exception):
    """Understood and not believed. The text says what happened and what to do."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason, self.text = reason, text
