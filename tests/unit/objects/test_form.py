"""The file inside a form."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from appliance.objects.form import file_in
from appliance.objects.types import ObjectProblem

KIND = "multipart/form-data; boundary=b"
HEAD = b'--b\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n'
FIELD = HEAD % (b"purpose", b"") + b"vision\r\n"
FILE = HEAD % (b"file", b'; filename="../../etc/passwd"') + b"GIF89a\r\n--not the end\r\n"
END = b"--b--\r\n"


async def pieces(body: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(body), size):
        yield body[at : at + size]


async def file(body: bytes, size: int = 1000, kind: str = KIND) -> bytes:
    return b"".join([piece async for piece in file_in(kind, pieces(body, size))])


@pytest.mark.parametrize("size", [1, 7, 1000])
async def test_the_file_and_nothing_else(size: int) -> None:
    """However the pieces are cut, and wherever in the form it stands."""
    assert await file(FIELD + FILE + FIELD + END, size) == b"GIF89a\r\n--not the end"


async def test_a_body_that_is_no_form() -> None:
    """It is the file, even when a careless program calls it a form of another kind."""
    assert await file(FILE, kind="application/x-www-form-urlencoded") == FILE


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (FIELD + END, KIND),
        (FILE + FILE + END, KIND),
        (FILE, KIND),
        (b"nothing of the kind", KIND),
        (b"", KIND),
        (FILE + END, "multipart/form-data"),
        (FILE + END, "multipart/form-data; boundary=" + "b" * 500),
        (FIELD * 50 + END, KIND),
    ],
)
async def test_what_is_refused(body: bytes, kind: str) -> None:
    """Forms without a file, with several, cut short, with too many fields, or that are none."""
    with pytest.raises(ObjectProblem) as caught:
        await file(body, kind=kind)
    assert (caught.value.status, caught.value.code) == (400, "malformed_form")
