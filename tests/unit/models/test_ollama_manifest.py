"""What Ollama writes down of a model."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.models.ollama_manifest import (
    ADAPTED,
    IN_PIECES,
    NOT_READABLE,
    SAFETENSORS,
    Layers,
    Name,
    Refused,
    name_of,
    read_manifest,
)

A, B = "a" * 64, "b" * 64
LIBRARY = ("registry.ollama.ai", "library")


def manifest(*layers: tuple[str, str]) -> bytes:
    listed = [{"mediaType": f"application/vnd.ollama.image.{kind}", "digest": digest} for kind, digest in layers]
    return json.dumps({"schemaVersion": 2, "layers": listed}).encode()


@pytest.mark.parametrize(
    ("parts", "name"),
    [
        ((*LIBRARY, "llama3.2", "3b"), Name("llama3.2:3b", "llama3.2:3b")),
        ((*LIBRARY, "llama3.2", "latest"), Name("llama3.2", "llama3.2:latest", ("llama3.2:latest",))),
        (("registry.ollama.ai", "me", "mine", "q8"), Name("me--mine:q8", "me/mine:q8", ("me/mine:q8",))),
        (
            ("hf.co", "org", "Model-GGUF", "latest"),
            Name(
                "hf.co--org--Model-GGUF",
                "hf.co/org/Model-GGUF:latest",
                ("hf.co/org/Model-GGUF", "hf.co/org/Model-GGUF:latest"),
            ),
        ),
    ],
)
def test_a_model_is_called_as_ollama_calls_it(parts: tuple[str, ...], name: Name) -> None:
    """What is usual is left out; an id holds no slash, so that it can stand in an address."""
    assert name_of(parts) == name


@pytest.mark.parametrize("part", ["..", ".DS_Store", "a b", "", "a\n", "x" * 300, "ü", "a/b", "\udcff"])
def test_other_names_are_none(part: str) -> None:
    """Whatever else lies there was not put there by Ollama."""
    assert name_of((*LIBRARY, part, "latest")) is None
    assert name_of((*LIBRARY, "model", part)) is None


def test_the_files_of_a_model_are_named_by_their_checksums() -> None:
    """Template, parameters and licence are not needed: the file of the model holds what the engine wants."""
    layers = (("model", f"sha256:{A}"), ("template", f"sha256:{B}"), ("params", "x"), ("license", "x"))
    assert read_manifest(manifest(*layers)) == Layers(A)
    assert read_manifest(manifest(*layers, ("projector", f"sha256:{B}"))) == Layers(A, B)


def test_a_kind_may_have_parameters() -> None:
    """After a semicolon."""
    assert read_manifest(manifest(("model; name=x", f"sha256:{A}"))) == Layers(A)


@pytest.mark.parametrize("data", [b"{}", b'{"layers":null}', b'{"layers":[]}', manifest(("license", f"sha256:{A}"))])
def test_a_model_that_runs_elsewhere_is_left_out(data: bytes) -> None:
    """Of those in Ollama's cloud there is an entry and no file."""
    assert read_manifest(data) is None


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (manifest(("model", f"sha256:{A}"), ("adapter", f"sha256:{B}")), ADAPTED),
        (manifest(("tensor", f"sha256:{A}"), ("tensor", f"sha256:{B}")), SAFETENSORS),
        (manifest(("model", f"sha256:{A}"), ("model", f"sha256:{B}")), IN_PIECES),
    ],
)
def test_what_the_engine_does_not_take_says_why(data: bytes, reason: str) -> None:
    """Nothing is wrong with it."""
    assert read_manifest(data) == Refused(reason)


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"\xff\xfe",
        b"[]",
        b'{"layers":5}',
        b'{"layers":[5]}',
        b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"layers":' + b'{"a":' * 200_000,
        manifest(("model", "sha256:../../../etc/passwd")),
        manifest(("model", f"sha256:{A}/../x")),
        manifest(("model", f"md5:{A}")),
        manifest(("model", "")),
        manifest(("model", f"sha256:{A}\n")),
        manifest(("model", f"sha256:{A}"), ("projector", "../x")),
    ],
)
def test_what_cannot_be_read_is_told(data: bytes | None) -> None:
    """Neither depth nor a name that leads elsewhere does anything else."""
    assert read_manifest(data) == Refused(NOT_READABLE, foreign=False)


@given(
    st.binary(max_size=300)
    | st.recursive(
        st.none() | st.text(),
        lambda v: st.lists(v) | st.dictionaries(st.sampled_from(("layers", "mediaType", "digest")), v),
    ).map(lambda v: json.dumps(v).encode())
)
def test_whatever_stands_there_has_an_answer(data: bytes) -> None:
    """A digest that is taken is one, so that it cannot lead anywhere."""
    found = read_manifest(data)
    if isinstance(found, Layers):
        assert len(found.model) == 64
        assert found.model.isalnum()
