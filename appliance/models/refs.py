"""What a person may write to name a model that is not here yet, and what it means. Pure.

org/repo                        a repository of the hub; which file is decided by what is in it
org/repo:Q4_K_M                 the file of that quantisation
org/repo/folder/file.gguf       that file
…@revision                      of a branch, tag or commit; after any of the above
https://huggingface.co/org/…    the page of a repository or of a file
https://example.org/x.gguf      any other file
/folder/x.gguf                  a file that lies elsewhere on the box
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from appliance.models.failed import ModelProblem

LONGEST_REF = 2048
HUB_HOSTS = frozenset({"huggingface.co", "www.huggingface.co", "hf.co"})
ENDING = ".gguf"

_NAME = r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_QUANT = r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,40}"
_REVISION = r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,200}"
_REF = re.compile(
    rf"(?P<repo>{_NAME}/{_NAME})(?:/(?P<file>[^:@]+))?"
    rf"(?:(?::(?P<quant>{_QUANT}))?(?:@(?P<revision>{_REVISION}))?|@(?P<revision2>{_REVISION}):(?P<quant2>{_QUANT}))"
)
_REPO = re.compile(rf"{_NAME}/{_NAME}")

_ROOTS = ("/", "file:///")

FORMS = "Write org/repo, org/repo:Q4_K_M, org/repo/file.gguf, or the address (https://…) of a .gguf file."


class BadRef(ModelProblem):
    """The text names no model; it says what would."""

    def __init__(self, detail: str) -> None:
        super().__init__("bad_ref", detail)


@dataclass(frozen=True, slots=True)
class RepoRef:
    """Something in a repository of the hub. Without a file, one is chosen."""

    repo: str
    revision: str | None = None
    quant: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        file = f"/{self.file}" if self.file else ""
        quant = f":{self.quant}" if self.quant else ""
        revision = f"@{self.revision}" if self.revision else ""
        return f"{self.repo}{file}{quant}{revision}"


@dataclass(frozen=True, slots=True)
class UrlRef:
    """A file somewhere on the web."""

    url: str
    name: str  # the file's name, as the address gives it

    def __str__(self) -> str:
        """Without what follows the path: it may hold a signature."""
        return self.url.partition("?")[0]


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file elsewhere on this box, by its whole path."""

    path: str

    def __str__(self) -> str:
        return self.path


Ref = RepoRef | UrlRef | FileRef


def parse_ref(text: str, hub_hosts: Iterable[str] = HUB_HOSTS) -> Ref:
    """Raises BadRef. `hub_hosts` are the hosts (with their port, if they have one) whose pages are the hub's."""
    text = text.strip()
    if not text:
        raise BadRef(f"No model was named. {FORMS}")
    if len(text) > LONGEST_REF or not text.isprintable():
        raise BadRef(f"This cannot be the name of a model: it is too long or holds signs that no name has. {FORMS}")
    hosts = {host.casefold() for host in hub_hosts}
    if text.startswith(_ROOTS):
        return _from_path(text)
    if "://" in text:
        return _from_url(text, hosts)
    host, _, rest = text.partition("/")
    if host.casefold() in hosts and rest.count("/"):
        text = rest
    return _from_name(text)


def _from_name(text: str) -> RepoRef:
    match = _REF.fullmatch(text)
    if match is None or not _sound(match["repo"]):
        raise BadRef(f"{_shown(text)} names no model. {FORMS}")
    revision = match["revision"] or match["revision2"]
    quant = match["quant"] or match["quant2"]
    file = match["file"]
    if file is not None and quant is not None:
        raise BadRef("A file and a quantisation were named together. Name one of them.")
    if quant is not None and quant.casefold() == "latest":
        quant = None
    return RepoRef(match["repo"], _checked_revision(revision), quant, None if file is None else _checked_file(file))


def _from_url(text: str, hub_hosts: set[str]) -> Ref:
    try:
        parts = urlsplit(text)
        host = parts.netloc.casefold()
        parts.port  # noqa: B018 - raises when it is no number
    except ValueError:
        raise BadRef(f"{_shown(text)} is not an address. {FORMS}") from None
    if parts.scheme.casefold() not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise BadRef(f"Only addresses that begin with https:// and hold no password can be fetched. {FORMS}")
    return _from_hub_url(parts) if host in hub_hosts else _from_file_url(parts)


def _from_hub_url(parts: SplitResult) -> RepoRef:
    segments = [unquote(segment) for segment in parts.path.split("/") if segment]
    repo = "/".join(segments[:2])
    if not _REPO.fullmatch(repo) or not _sound(repo):
        raise BadRef("This address of the hub is not the page of a model.")
    what, *rest = segments[2:] or ("tree",)
    if what in ("blob", "resolve") and len(rest) > 1:
        return RepoRef(repo, _checked_revision(rest[0]), file=_checked_file("/".join(rest[1:])))
    if what in ("tree", "blob", "resolve"):
        revision = rest[0] if rest and what == "tree" else None
        return RepoRef(repo, _checked_revision(revision))
    raise BadRef("This address of the hub is neither the page of a repository nor that of a file.")


def _from_file_url(parts: SplitResult) -> UrlRef:
    name = unquote(parts.path.rpartition("/")[2])
    if not name.casefold().endswith(ENDING) or len(name) == len(ENDING):
        raise BadRef("This address does not end in .gguf: only single model files can be fetched from the web.")
    return UrlRef(urlunsplit(parts._replace(fragment="")), name)


def _from_path(text: str) -> FileRef:
    path = unquote(text.removeprefix("file://")) if text.startswith("file:") else text
    if not path.isprintable() or path.startswith("//"):
        raise BadRef(f"{_shown(text)} is not the path of a file. {FORMS}")
    return FileRef("/" + _checked_file(path[1:]))


def _checked_file(path: str) -> str:
    if not path.casefold().endswith(ENDING):
        raise BadRef(f"{_shown(path)} is not a .gguf file; the engine reads no others.")
    if any(part in ("", ".", "..") for part in path.split("/")):
        raise BadRef(f"{_shown(path)} is not the path of a file in a repository.")
    return path


def _checked_revision(revision: str | None) -> str | None:
    if revision is None or (re.fullmatch(_REVISION, revision) and ".." not in revision):
        return revision
    raise BadRef(f"{_shown(revision)} is not the name of a revision.")


def _sound(repo: str) -> bool:
    """As the hub has it: these never stand in a name, so that they can part names elsewhere."""
    return "--" not in repo and ".." not in repo


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}…")
