"""The head of a request: one meaning or none."""

from __future__ import annotations

from collections.abc import Mapping

import h11
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy.errors import ApiError
from appliance.proxy.wire.head import CHUNKED, HEAD_BYTES, MOST_FIELDS, Head, check_beginning, parse_head

HOST = b"Host: box\r\n"
TOKEN = "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
OWN_NAMES = {b"host", b"content-length", b"transfer-encoding", b"connection", b"expect"}

PIECES = (
    *(b"GET", b" ", b"/", b"/a?b", b"HTTP/1.1", b"HTTP/1.0", b"\r\n", b"\n", b"\r", b"\t", b"\xff", b":", b"x"),
    *(b"Host: a", b"Host:a", b"Host : a", b"Content-Length: 5", b"Content-Length: +5", b"Content-Length: 5, 5"),
    *(b"Transfer-Encoding: chunked", b"Transfer-Encoding: xchunked", b"Transfer-Encoding:\x0bchunked"),
    *(b"X: \x00", b" folded", b"Connection: close"),
    *(b"GET / HTTP/1.1\r\nHost: a\r\n", b"POST / HTTP/1.0\r\n"),
)

tokens = st.text(TOKEN, min_size=1, max_size=20).map(str.encode)
values = st.binary(max_size=30).map(lambda raw: bytes(b for b in raw if b >= 0x20 and b != 0x7F).strip())
fields = st.lists(st.tuples(tokens, values).filter(lambda field: field[0].lower() not in OWN_NAMES), max_size=8)
paths = st.text(TOKEN.replace("%", "").replace("#", "") + "/", max_size=30).map(lambda text: b"/" + text.encode())


def written(head: bytes) -> Head:
    return parse_head(head.replace(b"\n", b"\r\n"))


def refusal(head: bytes) -> int:
    with pytest.raises(ApiError) as caught:
        parse_head(head)
    return caught.value.status


@given(tokens, paths, fields)
def test_a_sound_head_is_read_as_written(method: bytes, path: bytes, given_fields: list[tuple[bytes, bytes]]) -> None:
    """Method, path and each field come out as they went in, names in lower case."""
    lines = b"".join(b"%b: %b\r\n" % field for field in given_fields)
    head = parse_head(method + b" " + path + b" HTTP/1.1\r\n" + HOST + lines)
    assert (head.method.encode(), head.raw_path) == (method, path)
    assert head.headers == [(b"host", b"box"), *((name.lower(), value) for name, value in given_fields)]


@given(st.lists(st.sampled_from(PIECES), max_size=12))
def test_whatever_is_accepted_means_the_same_to_another_reader(pieces: list[bytes]) -> None:
    """No head is taken that a careful second reader refuses, or that it would frame differently."""
    text = b"".join(pieces)
    _agrees_with_h11(text)


@given(st.binary(max_size=80))
def test_noise_is_refused(noise: bytes) -> None:
    """Arbitrary bytes give a refusal with a clear status or a sound head, never another error."""
    _agrees_with_h11(b"POST / HTTP/1.1\r\n" + HOST + noise)
    _agrees_with_h11(noise)


def _agrees_with_h11(text: bytes) -> None:
    head = _read(text)
    if isinstance(head, ApiError):
        assert head.status in {400, 417, 431, 501, 505}
        return
    other = h11.Connection(h11.SERVER, HEAD_BYTES)
    other.receive_data(text + b"\r\n")
    request = other.next_event()
    assert isinstance(request, h11.Request)
    assert (request.method.decode(), [*request.headers]) == (head.method, head.headers)
    framing = dict(request.headers)
    assert head.length == (CHUNKED if b"transfer-encoding" in framing else int(framing.get(b"content-length", 0)))


def _read(text: bytes) -> Head | ApiError:
    try:
        return parse_head(text)
    except ApiError as error:
        return error


REFUSED: Mapping[str, bytes] = {
    "nothing": b"",
    "no version": b"GET /\r\n" + HOST,
    "two spaces": b"GET  / HTTP/1.1\r\n" + HOST,
    "tab": b"GET\t/ HTTP/1.1\r\n" + HOST,
    "leading space": b" GET / HTTP/1.1\r\n" + HOST,
    "lower case version": b"GET / http/1.1\r\n" + HOST,
    "version with more": b"GET / HTTP/1.1x\r\n" + HOST,
    "bare line feed": b"GET / HTTP/1.1\nHost: box\r\n",
    "bare line feed in a field": b"GET / HTTP/1.1\r\nHost: box\nX: y\r\n",
    "bare carriage return": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\rb\r\n",
    "nul": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\x00b\r\n",
    "nul in the target": b"GET /\x00 HTTP/1.1\r\n" + HOST,
    "folded line": b"GET / HTTP/1.1\r\n" + HOST + b"X: a\r\n b\r\n",
    "folded first line": b"GET / HTTP/1.1\r\n Host: box\r\n",
    "space before the colon": b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length : 5\r\n",
    "no name": b"GET / HTTP/1.1\r\n" + HOST + b": a\r\n",
    "no colon": b"GET / HTTP/1.1\r\n" + HOST + b"abc\r\n",
    "non-ASCII name": b"GET / HTTP/1.1\r\n" + HOST + b"\xc3\xa4: a\r\n",
    "no host": b"GET / HTTP/1.1\r\n",
    "two hosts": b"GET / HTTP/1.1\r\n" + HOST * 2,
    "a host with a space": b"GET / HTTP/1.1\r\nHost: a b\r\n",
    "a host with a path": b"GET / HTTP/1.1\r\nHost: a/b\r\n",
    "two lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 6\r\n",
    "the same length twice": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nContent-Length: 5\r\n",
    "a list of lengths": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5, 5\r\n",
    "a signed length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: +5\r\n",
    "a negative length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: -5\r\n",
    "a hexadecimal length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 0x5\r\n",
    "an empty length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length:\r\n",
    "a length in other digits": b"POST / HTTP/1.1\r\n"
    + HOST
    + "Content-Length: \N{ARABIC-INDIC DIGIT FIVE}\r\n".encode(),
    "an endless length": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: " + b"9" * 20 + b"\r\n",
    "length and chunks": b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    "chunks and length": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    "chunks twice": b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n" * 2,
    "chunks in HTTP/1.0": b"POST / HTTP/1.0\r\n" + HOST + b"Transfer-Encoding: chunked\r\n",
    "an odd target": b"GET a HTTP/1.1\r\n" + HOST,
    "a star": b"GET * HTTP/1.1\r\n" + HOST,
    "an authority": b"CONNECT box:1 HTTP/1.1\r\n" + HOST,
    "a fragment": b"GET /#a HTTP/1.1\r\n" + HOST,
    "a broken escape": b"GET /%zz HTTP/1.1\r\n" + HOST,
    "an escape that is no text": b"GET /%ff HTTP/1.1\r\n" + HOST,
    "another scheme": b"GET ftp://box/ HTTP/1.1\r\n" + HOST,
}


@pytest.mark.parametrize("head", REFUSED.values(), ids=REFUSED)
def test_what_could_be_understood_differently_is_refused(head: bytes) -> None:
    """Each of these is read differently by some server: 400."""
    assert refusal(head) == 400


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"PRI * HTTP/2.0\r\n", 505),
        (b"GET / HTTP/3\r\n" + HOST, 505),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: gzip, chunked\r\n", 501),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: identity\r\n", 501),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Expect: tea\r\n", 417),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: y\r\n" * MOST_FIELDS, 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"X: " + b"y" * HEAD_BYTES + b"\r\n", 431),
    ],
)
def test_what_is_not_taken_has_its_own_status(head: bytes, status: int) -> None:
    """Other versions, codings, expectations and sizes are named for what they are."""
    assert refusal(head) == status


def test_the_length_is_told() -> None:
    """By number, by chunks, or none at all."""
    post = b"POST / HTTP/1.1\nHost: box\n"
    heads = (post, post + b"Content-Length: 0012\n", post + b"Transfer-Encoding: Chunked\n")
    assert [written(head).length for head in heads] == [0, 12, CHUNKED]


def test_a_connection_is_kept_unless_somebody_says_otherwise() -> None:
    """HTTP/1.1 keeps it, `close` anywhere in the list ends it, HTTP/1.0 ends it."""
    get = b"GET / HTTP/1.%b\nHost: box\n%b"
    cases = ((b"1", b""), (b"1", b"Connection: Upgrade, Close\n"), (b"0", b""), (b"0", b"Connection: keep-alive\n"))
    assert [written(get % case).keep_alive for case in cases] == [True, False, False, False]


def test_a_whole_address_names_the_host() -> None:
    """As a target it counts in place of the Host field."""
    head = written(b"GET http://other:80/v1/models?x=1 HTTP/1.1\nHost: box\nX: y\n")
    assert (head.path, head.query, head.headers) == ("/v1/models", b"x=1", [(b"host", b"other:80"), (b"x", b"y")])


@pytest.mark.parametrize("target", [b"http://box", b"HTTP://box", b"https://box"])
def test_a_whole_address_without_a_path_means_the_root(target: bytes) -> None:
    """The path is a slash."""
    assert written(b"GET " + target + b" HTTP/1.1\nHost: box\n").path == "/"


def test_escapes_in_a_path_are_read() -> None:
    """The path is text; as it was sent it is kept beside it."""
    head = written(b"GET /v1/models/%C3%A4%20b HTTP/1.1\nHost: [::1]:9337\n")
    assert (head.path, head.raw_path) == ("/v1/models/ä b", b"/v1/models/%C3%A4%20b")


def test_an_expectation_is_told() -> None:
    """HTTP/1.0 clients never wait for a word."""
    post = b"POST / HTTP/1.%b\nHost: box\nExpect: 100-Continue\n"
    assert [written(post % version).expects for version in (b"1", b"0")] == [True, False]


@pytest.mark.parametrize(
    ("begun", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01", 400),
        (b"\x00", 400),
        (b"GET / HTTP/1.1\nHost: box\n\n", 400),
        (b"\n", 400),
        (b"x" * (HEAD_BYTES + 1), 431),
    ],
    ids=["TLS", "nul", "bare line feeds", "empty line", "endless"],
)
def test_what_can_never_become_a_head_is_refused_at_once(begun: bytes, status: int) -> None:
    """Nobody waits for the end of something that has none."""
    with pytest.raises(ApiError) as caught:
        check_beginning(begun)
    assert caught.value.status == status


@pytest.mark.parametrize("begun", [b"G", b"GET / HTTP/1.1\r", b"GET / HTTP/1.1\r\nHost: box\r\n", b"\r"])
def test_what_may_still_become_a_head_is_waited_for(begun: bytes) -> None:
    """Half a head is no fault."""
    check_beginning(begun)
