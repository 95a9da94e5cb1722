"""Heads of answers, and how bodies are framed."""

from __future__ import annotations

import pytest

from appliance.proxy.asgi import Header
from appliance.proxy.wire.answer import answer_head, framed
from appliance.proxy.wire.head import Head, parse_head

LENGTH: list[Header] = [(b"content-length", b"3")]


def asked(first: bytes = b"GET / HTTP/1.1") -> Head:
    return parse_head(first + b"\r\nHost: box\r\n")


def lines(status: int, headers: list[Header], request: Head | None, *, keep_alive: bool = True) -> list[bytes]:
    """Without the date."""
    told = answer_head(status, headers, request, keep_alive=keep_alive)[0].split(b"\r\n")
    assert told[1].startswith(b"date: ")
    assert told[-2:] == [b"", b""]
    return [told[0], *told[2:-2]]


def test_an_announced_length_is_passed_on() -> None:
    """The body goes as it is."""
    assert lines(200, LENGTH, asked()) == [b"HTTP/1.1 200 OK", b"content-length: 3"]


def test_an_answer_of_unknown_length_goes_in_chunks() -> None:
    """As HTTP/1.1 has it."""
    head, framing = answer_head(200, [], asked(), keep_alive=True)
    assert (b"transfer-encoding: chunked\r\n" in head, framed(framing, b"abc"), framed(framing, b"")) == (
        True,
        b"3\r\nabc\r\n",
        b"",
    )


def test_an_old_client_gets_the_end_of_the_connection_instead() -> None:
    """HTTP/1.0 knows no chunks."""
    head, framing = answer_head(200, [], asked(b"GET / HTTP/1.0"), keep_alive=False)
    assert (b"chunked" in head, b"connection: close\r\n" in head, framed(framing, b"abc")) == (False, True, b"abc")


@pytest.mark.parametrize(("first", "status"), [(b"HEAD / HTTP/1.1", 200), (b"GET / HTTP/1.1", 204)])
def test_an_answer_without_a_body_has_none(first: bytes, status: int) -> None:
    """Whatever the application gives; and no framing is announced that nothing would follow."""
    head, framing = answer_head(status, [], asked(first), keep_alive=True)
    assert (b"chunked" in head, framed(framing, b"abc"), framing.keep_alive) == (False, b"", True)


def test_our_own_fields_cannot_be_given() -> None:
    """How the connection goes on is the server's to say."""
    given: list[Header] = [*LENGTH, (b"connection", b"upgrade"), (b"transfer-encoding", b"gzip"), (b"date", b"x")]
    assert lines(200, given, asked()) == lines(200, LENGTH, asked())


def test_a_value_never_begins_a_line() -> None:
    """Line ends within a value become spaces."""
    assert lines(200, [*LENGTH, (b"x", b"a\r\nset-cookie: b")], asked())[2] == b"x: a  set-cookie: b"


def test_more_than_announced_is_a_fault() -> None:
    """It would be read as the next answer."""
    _, framing = answer_head(200, LENGTH, asked(), keep_alive=True)
    assert framed(framing, b"ab") == b"ab"
    with pytest.raises(ValueError, match="announced"):
        framed(framing, b"cd")


def test_a_request_not_understood_ends_the_connection() -> None:
    """Nobody knows where the next one would begin."""
    assert b"connection: close" in lines(400, LENGTH, None, keep_alive=False)
