"""The file inside a form, as its pieces come; a body that is no form is the file itself."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from appliance.objects.types import ObjectProblem

MOST_PARTS = 20


async def file_in(content_type: str, pieces: AsyncIterator[bytes]) -> AsyncGenerator[bytes, None]:
    """The bytes of the file that was sent. Raises ObjectProblem (400) for a form without one, or with several."""
    kind, options = parse_options_header(content_type)
    if kind != "multipart/form-data":
        async for piece in pieces:
            yield piece
        return
    reader = _Reader(options.get("boundary", ""))
    async for piece in pieces:
        for found in reader.feed(piece):
            yield found
    reader.end()


class _Reader:
    def __init__(self, boundary: str) -> None:
        self._files, self._inside = 0, False
        try:
            # not strictly: what follows the end may come in a piece of its own
            self._parser = PushMultipartParser(boundary, max_segment_count=MOST_PARTS)
        except (MultipartError, ValueError) as error:
            raise _bad(f"The form is not valid: {error}") from error

    def feed(self, piece: bytes) -> list[bytes]:
        found: list[bytes] = []
        try:
            for event in self._parser.parse(piece):
                if isinstance(event, MultipartSegment):
                    self._inside = event.filename is not None
                    self._files += self._inside
                elif event is not None and self._inside:
                    found.append(bytes(event))
        except (MultipartError, UnicodeError, ValueError) as error:
            raise _bad(f"The form is not valid: {error}") from error
        if self._files > 1:
            raise _bad("The form holds several files. Send one at a time.")
        return found

    def end(self) -> None:
        try:
            self._parser.close(check_complete=True)
        except MultipartError as error:
            raise _bad("The form ends in the middle.") from error
        if not self._files:
            raise _bad("The form holds no file.")


def _bad(what: str) -> ObjectProblem:
    return ObjectProblem(400, "malformed_form", what)
