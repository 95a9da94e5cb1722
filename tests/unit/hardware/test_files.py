"""Reading small system files."""

from __future__ import annotations

from pathlib import Path

import pytest

from appliance.hardware.files import read_bytes, read_number, read_text


@pytest.mark.parametrize(
    ("content", "number"),
    [(b"42\n", 42), (b" -1 ", -1), (b"", None), (b"max\n", None), (b"1 2", None), (b"\xff\xfe", None)],
)
def test_reads_a_number(tmp_path: Path, content: bytes, number: int | None) -> None:
    """Anything else than one number is None."""
    (tmp_path / "f").write_bytes(content)
    assert read_number(tmp_path / "f") == number


def test_reads_hexadecimal(tmp_path: Path) -> None:
    """As PCI numbers are written."""
    (tmp_path / "f").write_text("0x1002\n")
    assert read_number(tmp_path / "f", 16) == 0x1002


def test_text_that_is_none_is_replaced(tmp_path: Path) -> None:
    """Firmware writes what it likes into names."""
    (tmp_path / "f").write_bytes(b"Board\xff\n")
    assert read_text(tmp_path / "f") == "Board�"


def test_what_is_not_there_is_none(tmp_path: Path) -> None:
    """Files vanish with their device; a folder is no file; a read may fail in the driver."""
    assert [read_bytes(tmp_path / "none"), read_text(tmp_path), read_number(Path("/proc/self/mem"))] == [None] * 3
