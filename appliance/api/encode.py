"""JSON that can always be sent: a name with broken letters must not take the whole answer, or the stream, with it."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
from litestar import Response
from litestar.exceptions import ImproperlyConfiguredException
from litestar.serialization import default_serializer
from litestar.types import Serializer

T = TypeVar("T")


def encode(document: object) -> bytes:
    try:
        return msgspec.json.encode(document)
    except UnicodeEncodeError:
        return msgspec.json.encode(_mended(document))


class Answer(Response[T]):
    """Of every management route."""

    def render(self, content: Any, media_type: str, enc_hook: Serializer = default_serializer) -> bytes:  # noqa: ANN401
        try:
            return super().render(content, media_type, enc_hook)
        except ImproperlyConfiguredException as error:
            if not isinstance(error.__cause__, UnicodeEncodeError):
                raise
            return encode(content)


def sendable(text: str) -> str:
    """With a mark in the place of each letter that is none."""
    return text.encode("utf-8", "replace").decode()


def _mended(value: object) -> object:
    match value:
        case str():
            return sendable(value)
        case dict():
            return {_mended(key): _mended(entry) for key, entry in value.items()}
        case list() | tuple():
            return [_mended(entry) for entry in value]
        case _:
            return value
