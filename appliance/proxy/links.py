"""Web addresses in a request that an engine would fetch. Pure.

An engine fetches a picture from any address, those of the house included, and follows wherever it is led: with that a
stranger's request could look around in the network of the box. So they are found in every spelling that JSON has.
"""

from __future__ import annotations

import json
import re
from typing import Any

_KINDS = frozenset({"image_url", "input_image", "image", "input_audio", "input_video", "video_url"})
_PLACES = ("url", "data", "image_url", "input_audio", "input_video", "video_url", "source")
_LEAVES = ("url", "data", "image_url")


def _spelled(word: str) -> bytes:
    """Each letter as it is, or by its number."""
    return b"".join(b"(?:%b|\\\\u00(?i:%x))" % (letter.encode("ascii"), ord(letter)) for letter in word)


_PLAIN = b'"http'
_BY_NUMBER = re.compile(rb"\\u00(?:68|74|70)")  # or one of its letters
_SPELLED_LEAVES = b"|".join(map(_spelled, _LEAVES))
_NAME = re.compile(b'"(?:%b)"\\Z' % _SPELLED_LEAVES)
_LONGEST_NAME = 6 * max(map(len, _LEAVES)) + 2
_FIELD = re.compile(b'"(?:%b)"\\s*:\\s*"%b' % (_SPELLED_LEAVES, _spelled("http")))
_SPACE = b" \t\r\n"


def remote_link(body: bytes) -> str | None:
    """An address that would be fetched for a body which is known to be JSON; None when there is none.

    Wherever in the body it stands, and should one of two equal fields hold it: which of them counts is the engine's
    affair. Raises RecursionError where the body is nested too deeply.
    """
    if not may_link(body):
        return None
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if any(name == "type" and value in _KINDS for name, value in pairs if isinstance(value, str)):
            found.extend(link for name, value in pairs if name in _PLACES for link in _links(value))
        return _merged(pairs)

    json.loads(body, object_pairs_hook=look, parse_int=str, parse_float=str)  # numbers of any length
    return found[0] if found else None


def may_link(body: bytes) -> bool:
    """Whether a field that may hold an address holds one. Costs next to nothing for most bodies."""
    if b"\\u00" in body and _BY_NUMBER.search(body):
        return _FIELD.search(body) is not None
    at = body.find(_PLAIN)
    while at >= 0:
        if _is_field(body, at):
            return True
        at = body.find(_PLAIN, at + 1)
    return False


def _is_field(body: bytes, at: int) -> bool:
    """Whether the value that begins there is one of such a field."""
    colon = _before(body, at)
    if colon < 0 or body[colon] != ord(":"):
        return False
    end = _before(body, colon) + 1
    return _NAME.search(body, max(0, end - _LONGEST_NAME), end) is not None


def _before(body: bytes, at: int) -> int:
    """Where the last letter before that place stands."""
    at -= 1
    while at >= 0 and body[at] in _SPACE:
        at -= 1
    return at


def _merged(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Of equal fields all values are kept, as a list."""
    merged: dict[str, Any] = {}
    for name, value in pairs:
        merged[name] = [merged[name], value] if name in merged and name in _PLACES else value
    return merged


def _links(value: Any) -> list[str]:  # noqa: ANN401 - whatever was sent
    if isinstance(value, str):
        return [value] if value.startswith("http") else []
    if isinstance(value, list):
        return [link for one in value for link in _links(one)]
    if isinstance(value, dict):
        return [link for name in _LEAVES for link in _links(value.get(name))]
    return []
