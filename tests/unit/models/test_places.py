"""Where fetched files go."""

from __future__ import annotations

from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.models.choice import RemoteFile
from appliance.models.places import BadName, safe_name, targets


def placed(*paths: str) -> dict[str, str]:
    files = [RemoteFile(path) for path in paths]
    return {path: str(place) for path, place in targets("org/repo", files, files).items()}


def test_a_repository_is_a_folder_with_its_files_side_by_side() -> None:
    """A companion is found beside its model, wherever the repository keeps it."""
    assert placed("Q4/m.gguf", "mmproj.gguf") == {
        "Q4/m.gguf": "org--repo/m.gguf",
        "mmproj.gguf": "org--repo/mmproj.gguf",
    }


def test_files_of_one_name_stay_apart() -> None:
    """Their folders in the repository are kept then."""
    assert placed("Q4/model.gguf", "Q8/Model.gguf") == {
        "Q4/model.gguf": "org--repo/Q4/model.gguf",
        "Q8/Model.gguf": "org--repo/Q8/Model.gguf",
    }


@pytest.mark.parametrize(
    ("name", "safe"),
    [
        ("model.gguf", "model.gguf"),
        ("a b.gguf", "a b.gguf"),
        ("日本.gguf", "日本.gguf"),
        (".hidden.gguf", "_hidden.gguf"),
        ('a/b\\c:d"e.gguf', "a_b_c_d_e.gguf"),
        ("a\nb\x1b[31m.gguf", "a_b_[31m.gguf"),
        ("..gguf", "_.gguf"),
        (".", "_"),
        ("\ud800.gguf", "_.gguf"),
    ],
)
def test_names_are_made_harmless(name: str, safe: str) -> None:
    """Visible, printable, and the same on every file system."""
    assert safe_name(name) == safe


@pytest.mark.parametrize("name", ["", " ", "..", "x" * 201, "é" * 101, "a."])
def test_some_names_cannot_be_saved(name: str) -> None:
    """They are refused, not shortened: two files might become one."""
    with pytest.raises(BadName):
        safe_name(name)


@given(st.text(max_size=40), st.text(max_size=40))
def test_no_name_leads_out_of_the_folder(first: str, second: str) -> None:
    """Whatever a hub calls its files."""
    paths = [f"{first}/{second}.gguf", f"{second}/{second}.gguf"]
    files = [RemoteFile(path) for path in paths]
    try:
        places = targets("org/repo", files, files)
    except BadName:
        return
    for place in places.values():
        assert place.parts[0] == "org--repo"
        assert not place.is_absolute()
        assert not {"..", "."} & set(place.parts)
        assert all(PurePosixPath(part).name == part and not part.startswith(".") for part in place.parts)
