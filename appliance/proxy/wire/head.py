"""The head of a request: everything that two readers could understand differently is refused.

Rules: one request line `METHOD target HTTP/1.0|1.1` with single spaces; lines end in CR LF alone; names are tokens with
the colon right behind; no folded lines, no control characters; one Host (from HTTP/1.1 on); a length is digits, given
once; `chunked` is the one known transfer coding, never beside a length and never in HTTP/1.0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import unquote_to_bytes

from appliance.proxy.asgi import Header
from appliance.proxy.errors import ApiError

HEAD_BYTES = 64 * 1024
MOST_FIELDS = 128
CHUNKED = -1  # as a length: known at the end only

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]++"
_REQUEST_LINE = re.compile(rb"(" + _TOKEN + rb") ([!-~]++) HTTP/1\.([01])\r\n")
_OTHER_VERSION = re.compile(rb"[!-~]+ [!-~]+ HTTP/(\d+(?:\.\d+)?)\r\n")
_FIELD = rb"(" + _TOKEN + rb"):([\t -~\x80-\xff]*+)\r\n"
_FIELDS = re.compile(rb"(?:" + _FIELD + rb")*+")
_EACH_FIELD = re.compile(_FIELD)
_HOST = re.compile(rb"[A-Za-z0-9._~!$&'()*+,;=%:\[\]-]*")
_LENGTH = re.compile(rb"[0-9]{1,15}")
_ABSOLUTE = re.compile(rb"[Hh][Tt][Tt][Pp][Ss]?://([^/?#]*+)([^#]*+)")
_BAD_PERCENT = re.compile(rb"%(?![0-9A-Fa-f]{2})")
_BARE_LINE_FEED = re.compile(rb"(?<!\r)\n")
_METHOD_BYTE = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z\r]")
_TLS_HELLO = b"\x16\x03"


class Head(NamedTuple):
    """`length` of the body, or CHUNKED; `expects` says that the client waits for a word before it sends the body."""

    method: str
    path: str
    raw_path: bytes
    query: bytes
    version: str
    headers: list[Header]
    length: int
    keep_alive: bool
    expects: bool


def malformed(what: str) -> ApiError:
    return ApiError(400, "malformed_request", f"This is not a sound HTTP request: {what}.")


def too_long() -> ApiError:
    return ApiError(
        431, "headers_too_large", f"The head of a request may have {HEAD_BYTES // 1024} KiB and {MOST_FIELDS} fields."
    )


def check_beginning(begun: bytes) -> None:
    """A head that is not whole yet; what can never become one is refused now, not when patience is over."""
    if begun.startswith(_TLS_HELLO):
        raise malformed("it speaks TLS, but this port speaks plain HTTP; use http:// instead of https://")
    if not _METHOD_BYTE.match(begun):
        raise malformed("it does not begin with a method")
    if len(begun) > HEAD_BYTES:
        raise too_long()
    if _BARE_LINE_FEED.search(begun):
        raise malformed("a line ends without a carriage return")


def parse_head(text: bytes) -> Head:
    """Of a whole head, with the line end of its last field but without the empty line. Raises ApiError."""
    line = _REQUEST_LINE.match(text)
    if line is None:
        raise _no_request_line(text)
    if len(text) > HEAD_BYTES:
        raise too_long()
    if _FIELDS.fullmatch(text, line.end()) is None:
        raise malformed("one of its header lines is broken")
    headers = [(name.lower(), value.strip(b" \t")) for name, value in _EACH_FIELD.findall(text, line.end())]
    if len(headers) > MOST_FIELDS:
        raise too_long()
    method, target, minor = line.groups()
    return _checked(method.decode("ascii"), target, headers, old=minor == b"0")


def _no_request_line(text: bytes) -> ApiError:
    other = _OTHER_VERSION.match(text)
    if other is None:
        return malformed("its first line is broken")
    version = other[1].decode("ascii")
    return ApiError(505, "http_version", f"This port speaks HTTP/1.1, not HTTP/{version[:10]}.")


@dataclass(slots=True)
class _Told:
    """What the fields say that this server heeds."""

    old: bool
    host: bytes | None = None
    length: int | None = None
    chunked: bool = False
    closing: bool = False
    expects: bool = False

    def read_host(self, value: bytes) -> None:
        if self.host is not None:
            raise malformed("it names two hosts")
        self.host = value

    def read_length(self, value: bytes) -> None:
        if self.length is not None:
            raise malformed("it gives its length twice")
        if _LENGTH.fullmatch(value) is None:
            raise malformed("its length is no number")
        self.length = int(value)

    def read_coding(self, value: bytes) -> None:
        if self.chunked or self.old:
            raise malformed("HTTP/1.0 knows no transfer coding" if self.old else "a transfer coding is given twice")
        if value.lower() != b"chunked":
            raise ApiError(501, "transfer_coding", "The one transfer coding that is taken is chunked.")
        self.chunked = True

    def read_connection(self, value: bytes) -> None:
        self.closing = self.closing or b"close" in _words(value)

    def read_expectation(self, value: bytes) -> None:
        if value.lower() != b"100-continue":
            raise ApiError(417, "expectation_failed", "The one expectation that is met is 100-continue.")
        self.expects = not self.old

    def check(self) -> None:
        if self.host is None and not self.old:
            raise malformed("it names no host")
        if self.chunked and self.length is not None:
            raise malformed("it gives both a length and a transfer coding")


_HEEDED: Mapping[bytes, Callable[[_Told, bytes], None]] = {
    b"host": _Told.read_host,
    b"content-length": _Told.read_length,
    b"transfer-encoding": _Told.read_coding,
    b"connection": _Told.read_connection,
    b"expect": _Told.read_expectation,
}


def _checked(method: str, target: bytes, headers: list[Header], *, old: bool) -> Head:
    told = _Told(old=old, closing=old)
    for name, value in headers:
        if (read := _HEEDED.get(name)) is not None:
            read(told, value)
    told.check()
    raw_path, query = _target(method, target, told.host or b"", headers)
    return Head(
        method=method,
        path=_decoded(raw_path),
        raw_path=raw_path,
        query=query,
        version="1.0" if old else "1.1",
        headers=headers,
        length=CHUNKED if told.chunked else told.length or 0,
        keep_alive=not told.closing,
        expects=told.expects,
    )


def _words(value: bytes) -> list[bytes]:
    return [word.strip(b" \t") for word in value.lower().split(b",")]


def _target(method: str, target: bytes, host: bytes, headers: list[Header]) -> tuple[bytes, bytes]:
    """Path and query. A whole address as a target names the host in place of the header."""
    if target.startswith(b"/"):
        path, _, query = target.partition(b"?")
    elif absolute := _ABSOLUTE.fullmatch(target):
        host = absolute[1]
        headers[:] = [(b"host", host), *(field for field in headers if field[0] != b"host")]
        path, _, query = absolute[2].partition(b"?")
        path = path or b"/"
    elif target == b"*" and method == "OPTIONS":
        path, query = target, b""
    else:
        raise malformed("its target is neither a path nor an address")
    if _HOST.fullmatch(host) is None:
        raise malformed("the host it names cannot be one")
    if b"#" in target:
        raise malformed("its target has a fragment")
    return path, query


def _decoded(path: bytes) -> str:
    if b"%" not in path:
        return path.decode("ascii")
    if _BAD_PERCENT.search(path):
        raise malformed("its path has a broken escape")
    try:
        return unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise malformed("its path is not UTF-8") from error
