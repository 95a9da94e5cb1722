"""What a download consists of: each file, where it comes from and where it goes. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from appliance.models.choice import Choice, RemoteFile
from appliance.models.hub import RepoFacts
from appliance.models.names import clean_id
from appliance.models.places import safe_name, targets
from appliance.models.refs import ENDING, UrlRef
from appliance.models.shards import Shard, shard_of
from appliance.models.types import Capability

COPIED = "file"  # in place of the repository or the host: from elsewhere on this box
KEY_LENGTH = 40
MOST_SHARDS = 500


@dataclass(frozen=True, slots=True)
class PlannedFile:
    url: str
    target: str  # below the models folder, with slashes
    key: str  # what it is called while it is not whole
    size: int | None = None
    sha256: str | None = None
    from_hub: bool = True
    companion: bool = False

    @property
    def local(self) -> Path | None:
        """Where it lies, when it is one of this box."""
        return Path(unquote(urlsplit(self.url).path)) if self.url.startswith("file:") else None


@dataclass(frozen=True, slots=True)
class Plan:
    model: str  # the id that the model will have
    files: tuple[PlannedFile, ...]
    source: str  # the repository, the host, or COPIED
    revision: str | None = None
    quant: str | None = None
    told: tuple[Capability, ...] = ()  # what the hub says the model can do

    @property
    def size(self) -> int | None:
        """None as long as one file's length is not known."""
        sizes = [file.size for file in self.files]
        return None if None in sizes else sum(size or 0 for size in sizes)


def plan_repo(repo: str, facts: RepoFacts, choice: Choice, url_of: Callable[[str, str, str], str]) -> Plan:
    """Raises BadName."""
    places = targets(repo, facts.files, choice.files)

    def planned(file: RemoteFile) -> PlannedFile:
        url = url_of(repo, facts.revision, file.path)
        key = file.sha256[:KEY_LENGTH] if file.sha256 else key_of(url)
        return PlannedFile(url, str(places[file.path]), key, file.size, file.sha256, companion=file == choice.companion)

    files = tuple(planned(file) for file in choice.files)
    told = tuple(claim.capability for claim in facts.about.claims)
    return Plan(model_id(files[0].target), files, repo, facts.revision, choice.variant.quant, told)


def plan_url(ref: UrlRef, size: int | None) -> Plan:
    """A file of the web; of a model in several files all of them, beside the one that was named. Raises BadName."""
    host = urlsplit(ref.url).hostname or "web"
    shard = shard_of(ref.name[: -len(ENDING)])
    names = [ref.name] if shard is None or shard.count > MOST_SHARDS else _names(shard)

    def planned(name: str) -> PlannedFile:
        url = ref.url if name == ref.name else _beside(ref.url, name)
        target = str(PurePosixPath(safe_name(host), safe_name(name)))
        return PlannedFile(url, target, key_of(url), size if name == ref.name else None, from_hub=False)

    files = tuple(planned(name) for name in names)
    return Plan(model_id(files[0].target), files, host)


def model_id(target: str) -> str:
    """The name that the library will give to a file."""
    stem = PurePosixPath(target).name[: -len(ENDING)]
    shard = shard_of(stem)
    return clean_id(shard.stem if shard else stem)


def key_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def _names(shard: Shard) -> list[str]:
    return [Shard(shard.stem, number, shard.count).name + ENDING for number in range(1, shard.count + 1)]


def _beside(url: str, name: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=parts.path.rpartition("/")[0] + "/" + quote(name)))
