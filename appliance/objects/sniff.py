"""What a file is, by its first bytes: its name and what its sender calls it say nothing."""

from __future__ import annotations

SNIFFED = 4096  # bytes that are looked at
UNKNOWN = "application/octet-stream"
TEXT = "text/plain"

_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"%PDF-", "application/pdf"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_RIFF = {b"WAVE": "audio/wav", b"WEBP": "image/webp", b"AVI ": "video/x-msvideo"}
_BMP_HEADERS = frozenset({12, 40, 52, 56, 108, 124})
_CONTROLS = frozenset(range(32)) - frozenset(b"\t\n\r\f\x1b")


def sniff(beginning: bytes) -> str:
    """The type of a file that begins so; UNKNOWN when nothing fits."""
    for mark, kind in _BEGINNINGS:
        if beginning.startswith(mark):
            return kind
    if beginning.startswith(b"RIFF"):
        return _RIFF.get(beginning[8:12], UNKNOWN)
    if beginning.startswith(b"BM") and int.from_bytes(beginning[14:18], "little") in _BMP_HEADERS:
        return "image/bmp"
    if beginning[4:8] == b"ftyp":
        return "audio/mp4" if beginning[8:11] == b"M4A" else "video/mp4"
    if _is_mpeg_audio(beginning):
        return "audio/mpeg"
    return TEXT if _is_text(beginning) else UNKNOWN


def _is_mpeg_audio(beginning: bytes) -> bool:
    """The head of a frame, with values that have a meaning."""
    if len(beginning) < 4 or beginning[0] != 0xFF or beginning[1] & 0xE0 != 0xE0:
        return False
    version, layer, bitrate, rate = (
        beginning[1] >> 3 & 3,
        beginning[1] >> 1 & 3,
        beginning[2] >> 4,
        beginning[2] >> 2 & 3,
    )
    return version != 1 and layer != 0 and bitrate not in (0, 15) and rate != 3


def _is_text(beginning: bytes) -> bool:
    if not beginning or not _CONTROLS.isdisjoint(beginning[:SNIFFED]):
        return False
    try:
        beginning.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data" and error.start > len(beginning) - 4
    return True
