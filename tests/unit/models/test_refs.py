"""What a person may write to name a model, and what it means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.models.refs import HUB_HOSTS, BadRef, FileRef, Ref, RepoRef, UrlRef, parse_ref

MIRROR = HUB_HOSTS | {"mirror.lan:8080"}


@pytest.mark.parametrize(
    ("text", "ref"),
    [
        ("org/repo", RepoRef("org/repo")),
        ("  org/repo  ", RepoRef("org/repo")),
        ("org/repo:Q4_K_M", RepoRef("org/repo", quant="Q4_K_M")),
        ("org/repo:latest", RepoRef("org/repo")),
        ("org/repo@v1.2", RepoRef("org/repo", "v1.2")),
        ("org/repo@refs/pr/7", RepoRef("org/repo", "refs/pr/7")),
        ("org/repo:Q8_0@main", RepoRef("org/repo", "main", "Q8_0")),
        ("org/repo@main:Q8_0", RepoRef("org/repo", "main", "Q8_0")),
        ("org/repo/file.gguf", RepoRef("org/repo", file="file.gguf")),
        ("org/repo/a/b c.GGUF@abc123", RepoRef("org/repo", "abc123", file="a/b c.GGUF")),
        ("hf.co/org/repo:Q4_0", RepoRef("org/repo", quant="Q4_0")),
        ("https://huggingface.co/org/repo", RepoRef("org/repo")),
        ("https://huggingface.co/org/repo/tree/v2", RepoRef("org/repo", "v2")),
        ("https://huggingface.co/org/repo/blob/main/a/x.gguf", RepoRef("org/repo", "main", file="a/x.gguf")),
        (
            "https://huggingface.co/org/repo/resolve/main/x.gguf?download=true",
            RepoRef("org/repo", "main", None, "x.gguf"),
        ),
        ("https://huggingface.co/org/repo/blob/refs%2Fpr%2F1/x.gguf", RepoRef("org/repo", "refs/pr/1", file="x.gguf")),
        ("http://mirror.lan:8080/org/repo/blob/main/x.gguf", RepoRef("org/repo", "main", file="x.gguf")),
        ("https://example.org/a/x%20y.gguf?sig=1#top", UrlRef("https://example.org/a/x%20y.gguf?sig=1", "x y.gguf")),
        ("/mnt/disk/x y.gguf", FileRef("/mnt/disk/x y.gguf")),
        ("file:///mnt/x%20y.gguf", FileRef("/mnt/x y.gguf")),
    ],
)
def test_every_form_is_understood(text: str, ref: Ref) -> None:
    """Names, quantisations, files, revisions, pages of the hub and of its mirror, files of the web and of the box."""
    assert parse_ref(text, MIRROR) == ref


@pytest.mark.parametrize(
    "text",
    [
        "",
        "model",
        "org/",
        "org/repo/",
        "org/re--po",
        "org/re..po",
        "org/../x.gguf",
        "org/repo/../x.gguf",
        "org/repo/a//x.gguf",
        "org/repo/file.safetensors",
        "org/repo/x.gguf:Q4_0",
        "org/repo@",
        "org/repo@../x",
        "org/repo:Q4 0",
        "org/re\npo",
        "org/repo\x00",
        "ftp://example.org/x.gguf",
        "file:///etc/passwd",
        "/etc/passwd",
        "/models/../etc/x.gguf",
        "//server/share/x.gguf",
        "https://user:password@example.org/x.gguf",
        "https://example.org/x.bin",
        "https://example.org/.gguf",
        "https://example.org:port/x.gguf",
        "https://[::1/x.gguf",
        "https://huggingface.co/org",
        "https://huggingface.co/org/repo/blob/main/x.txt",
        "https://huggingface.co/org/repo/settings/x.gguf",
        "https://huggingface.co/org/repo/blob/main/..%2F..%2Fx.gguf",
        "x" * 3000,
    ],
)
def test_nonsense_is_refused_with_what_would_be_right(text: str) -> None:
    """A whole sentence, never a guess."""
    with pytest.raises(BadRef) as caught:
        parse_ref(text)
    assert caught.value.code == "bad_ref"
    assert caught.value.detail.endswith((".", "…)."))


def test_the_hub_is_the_hub_only_under_its_own_names() -> None:
    """A page of another host is a file of the web."""
    assert isinstance(parse_ref("https://huggingface.co.evil.org/org/repo/blob/main/x.gguf"), UrlRef)


def test_what_is_shown_of_an_address_holds_no_secret() -> None:
    """Signatures stand behind the path."""
    assert str(parse_ref("https://example.org/x.gguf?token=secret")) == "https://example.org/x.gguf"


PLAIN = st.from_regex(r"[A-Za-z0-9_]{1,12}", fullmatch=True)


@given(PLAIN, PLAIN, st.none() | PLAIN, st.none() | PLAIN)
def test_what_is_shown_of_a_name_means_the_same(org: str, repo: str, quant: str | None, revision: str | None) -> None:
    """A person may copy it from the page."""
    ref = RepoRef(f"{org}/{repo}", revision, None if quant == "latest" else quant)
    assert parse_ref(str(ref)) == ref


@given(st.text(max_size=200) | st.text("/:@.%?#-gguf", max_size=60).map("https://huggingface.co/".__add__))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    """Nothing else comes of it, and no path leads up."""
    try:
        ref = parse_ref(text)
    except BadRef:
        return
    path = ref.file or "" if isinstance(ref, RepoRef) else ""
    assert ".." not in path.split("/")
