"""The tables of types against the reference library."""

from __future__ import annotations

import gguf

from appliance.models.gguf_types import FILE_TYPES, GUESSED, TENSOR_TYPES


def test_tensor_types_agree_with_the_reference_library() -> None:
    """Names and sizes are the library's; only Q8_1, never stored in files, is counted otherwise by the engine."""
    theirs = {int(t): (t.name, *sizes) for t, sizes in gguf.GGML_QUANT_SIZES.items() if t.name != "Q8_1"}
    ours = {number: tuple(kind) for number, kind in TENSOR_TYPES.items()}
    assert {number: ours[number] for number in theirs} == theirs


def test_file_types_agree_with_the_reference_library() -> None:
    """Every file type has the name it is known by."""
    theirs = {int(t): t.name.removeprefix("MOSTLY_").removeprefix("ALL_") for t in gguf.LlamaFileType}
    assert theirs.pop(GUESSED) == "GUESSED"
    theirs[int(gguf.LlamaFileType.MOSTLY_MXFP4_MOE)] = "MXFP4"
    assert {number: FILE_TYPES[number] for number in theirs} == theirs
