"""What a request needs of a model, and what it is about, as far as that decides who answers it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import blake2b

BYTES_A_TOKEN = 3  # of text in most languages at least: the estimate errs on the safe side
TOKENS_A_PICTURE = 1000
MOST_ANSWER_TOKENS = 1024  # of what a client allows for the answer: many allow far more than they use
SAMPLE = 1000  # characters from either end of a text tell what it is about


class Effort(StrEnum):
    """How much thought a request asks for by itself."""

    LITTLE = "little"
    MUCH = "much"


@dataclass(frozen=True, slots=True)
class Facts:
    senses: frozenset[str] = frozenset()  # what comes with the text: "image", "audio"
    tools: bool = False
    said: str = ""  # what the person said last, cut to both its ends
    length: int = 0  # of that, in characters, before it was cut
    tokens: int = 0  # that the request and its answer need at least, roughly
    effort: Effort | None = None
    conversation: str = ""  # the same for each turn of a conversation; empty: not known


NO_FACTS = Facts()


def sample(text: str) -> str:
    return text if len(text) <= 2 * SAMPLE else text[:SAMPLE] + text[-SAMPLE:]


def fingerprint(parts: Iterable[bytes]) -> str:
    """The same for the same parts, and not to be turned back into them."""
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(len(part).to_bytes(8, "little"))
        digest.update(part)
    return digest.hexdigest()
