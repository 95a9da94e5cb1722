"""How answers of engines begin."""

from __future__ import annotations

import pytest

from appliance.proxy.asgi import Header
from appliance.proxy.direct.heading import heading_of

HEAD = (
    b"HTTP/1.1 200 OK\r\nServer: llama.cpp\r\nContent-Length: 12\r\n"
    b"Content-Type: application/json; charset=utf-8\r\n\r\n"
)


def fields(head: bytes) -> list[Header]:
    lines = (line.partition(b": ") for line in head.split(b"\r\n\r\n")[0].split(b"\r\n")[1:])
    return [(name.lower(), value) for name, _, value in lines]


def test_what_is_passed_on_stands_around_the_length() -> None:
    """In the order in which the engine has it, under our spelling, and nothing else of it."""
    heading = heading_of(HEAD + b"some", fields(HEAD))
    assert heading is not None
    assert heading.ours_before + b"5" + heading.ours_after == (
        b"content-length: 5\r\ncontent-type: application/json; charset=utf-8\r\n"
    )
    assert heading.around.read(HEAD.replace(b"12", b"345") + b"x") == (345, len(HEAD) + 1)


@pytest.mark.parametrize(
    "head",
    [
        HEAD.replace(b"200 OK", b"400 Bad Request"),
        HEAD.replace(b"HTTP/1.1", b"HTTP/1.0"),
        HEAD.replace(b"Content-Length: 12", b"Transfer-Encoding: chunked"),
        HEAD.replace(b"Server: llama.cpp", b"Connection: close"),
        HEAD.replace(b"Server: llama.cpp", b"Content-Length: 12"),
        HEAD[:-2],
    ],
    ids=["refused", "old", "chunked", "the last one", "two lengths", "not whole"],
)
def test_whatever_is_out_of_the_ordinary_is_not_known_again(head: bytes) -> None:
    """It is the parser's."""
    assert heading_of(head, fields(head)) is None
