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
_SUSPECT = re.compile(b'"(?:%b)"\\s*:\\s*"%b' % (b"|".join(map(_spelled, _LEAVES)), _spelled("http")))


def remote_link(body: bytes) -> str | None:
    """An address that would be fetched for a body which is known to be JSON; None when there is none.

    Wherever in the body it stands, and should one of two equal fields hold it: which of them counts is the engine's
    affair. Raises RecursionError where the body is nested too deeply.
    """
    if not (_PLAIN in body or _BY_NUMBER.search(body)) or _SUSPECT.search(body) is None:  # the cheap looks first
        return None
    found: list[str] = []

    def look(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        if any(name == "type" and value in _KINDS for name, value in pairs if isinstance(value, str)):
            found.extend(link for name, value in pairs if name in _PLACES for link in _links(value))
        return _merged(pairs)

    json.loads(body, object_pairs_hook=look, parse_int=str, parse_float=str)  # numbers of any length
    return found[0] if found else None


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
