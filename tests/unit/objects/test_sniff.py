"""Files are known by their first bytes."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.objects.sniff import TEXT, UNKNOWN, sniff

BMP = b"BM" + bytes(12) + struct.pack("<I", 40) + bytes(36)


@pytest.mark.parametrize(
    ("beginning", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "image/png"),
        (b"\xff\xd8\xff\xe0\x00\x10JFIF", "image/jpeg"),
        (b"GIF89a\x01\x00", "image/gif"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (BMP, "image/bmp"),
        (b"RIFF\x24\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"ID3\x04\x00\x00", "audio/mpeg"),
        (b"\xff\xfb\x90\x64\x00\x00", "audio/mpeg"),
        (b"fLaC\x00\x00\x00\x22", "audio/flac"),
        (b"OggS\x00\x02", "audio/ogg"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00", "video/mp4"),
        (b"\x00\x00\x00\x20ftypM4A \x00\x00", "audio/mp4"),
        (b"%PDF-1.7\n", "application/pdf"),
        ("Grüße, Welt\n".encode(), TEXT),
        ("ü".encode() * 2048 + b"\xc3", TEXT),
        (b"<html><script>alert(1)</script>", TEXT),
        (b"BM is not a picture", TEXT),
        (b"\xff\xff\xff\xff", UNKNOWN),
        (b"abc\x00def", UNKNOWN),
        (b"\xc3(", UNKNOWN),
        (b"RIFF\x00\x00\x00\x00XXXX", UNKNOWN),
        (b"", UNKNOWN),
    ],
)
def test_kinds(beginning: bytes, kind: str) -> None:
    """Whatever they were called."""
    assert sniff(beginning) == kind


@given(st.binary(max_size=64))
def test_anything_has_some_kind(beginning: bytes) -> None:
    """No bytes make it stumble, and no type can leave the quotes it is put into."""
    kind = sniff(beginning)
    assert kind.replace("/", "").replace("-", "").replace("+", "").isalnum()
