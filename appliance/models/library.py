"""The models of this box: looks through its folders and remembers every header it read.

A scan that finds nothing changed opens no file. Of two models with the same id the owner's own is taken, then the one
nearest to the top of the models folder, then the first by path; a bundled one comes last.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.models.capabilities import remembered_claims, strongest
from appliance.models.files import File, Listing, Stamp, in_words, printable
from appliance.models.folder import Stores, list_files
from appliance.models.gguf_header import GgufError, Header, Truncated, read_header
from appliance.models.names import clean_id
from appliance.models.one_each import Found, Hidden, one_each
from appliance.models.profile import NotServable, check_weights, is_companion, make_profile, with_parts
from appliance.models.projectors import Projector, Seer, paired, read_projector, with_projector
from appliance.models.shards import Shard, missing_names
from appliance.models.types import BrokenFile, Capability, Library, Model, Profile
from appliance.models.weights import Weights, weigh

log = logging.getLogger("meshbox.models")

FIRST_READ = 256 << 10
GROWTH = 4

Told = tuple[Capability, ...]


@dataclass(frozen=True, slots=True)
class Contents:
    """What is remembered of a file. `profile` is None for a file that is no model by itself."""

    parameters: int
    parts: int  # how many files its header says the model has
    part: int  # which of them it is, counted from 1
    weights: Weights
    profile: Profile | None
    seer: Seer | None = None  # when it is the projector of a model


class Scanner:
    """Blocking: to be called in a thread, by one caller at a time."""

    def __init__(self, models_dir: Path, bundled_dir: Path, told: Callable[[str], Told] = lambda _: ()) -> None:
        """`told`: what the hub said of the file with this path when it was fetched."""
        self._models_dir = models_dir.absolute()
        self._bundled_dir = bundled_dir.absolute()
        self._stores = Stores()
        self._known: dict[Path, tuple[Stamp, Contents | str]] = {}
        self._said_by_hub = told
        self._told: set[str] = set()

    def scan(self) -> Library:
        own, bundled = (list_files(folder, self._stores) for folder in (self._models_dir, self._bundled_dir))
        self._stores.forget_unseen()
        self._forget(own, bundled)
        found = one_each([*self._found(own, bundled=False), *self._found(bundled, bundled=True)])
        for hidden in found.hidden:
            self._tell(hidden)
        broken = list(found.broken)
        if bundled.unreadable is not None:
            broken.append(BrokenFile(self._bundled_dir.name, printable(self._bundled_dir), bundled.unreadable))
        models = paired(sorted(found.models, key=lambda m: m.id), self._projectors(own, bundled))
        return Library(
            models=tuple(_as_told(model, self._said_by_hub(model.path)) for model in models),
            broken=tuple(_with_own_ids(broken)),
            unreadable=own.unreadable,
        )

    def _found(self, listing: Listing, *, bundled: bool) -> Iterator[Found]:
        for files in _by_model(listing.files):
            found = self._judge(files)
            if isinstance(found, Model):
                found = replace(self._seeing(found, files[0]), bundled=bundled)
            if found is not None:
                yield Found(found, files[0].store, _marks(files))
        for one in listing.obstacles:
            broken = BrokenFile(_id_of(one.name), printable(one.path), one.reason, one.keeper, one.foreign)
            yield Found(broken, one.store)

    def _projectors(self, *listings: Listing) -> list[Projector]:
        """Those among the files that were just looked at."""
        files = (file for listing in listings for file in listing.files if file.called is None)
        return [found for file in files if (found := self._projector(file)) is not None]

    def _projector(self, file: File) -> Projector | None:
        contents = None if _wrong_name(file) else self._contents(file)
        if not isinstance(contents, Contents) or contents.seer is None:
            return None
        return Projector(str(file.path), contents.seer, file.stamp.size)

    def _seeing(self, model: Model, file: File) -> Model:
        """With the projector that the keeper of the model says belongs to it."""
        projector = self._projector(file.projector) if file.projector else None
        return with_projector(model, projector) if projector else model

    def _judge(self, files: list[File]) -> Model | BrokenFile | None:
        """One model, or why it cannot be served; None for files that are none."""
        first = files[0]
        shard, keeper = first.shard, first.keeper
        model_id = _id_of(shard.stem if shard else first.name)
        contents: list[Contents] = []
        for file in files:
            seen = self._contents(file)
            if isinstance(seen, str):
                return BrokenFile(model_id, printable(file.path), seen, keeper)
            contents.append(seen)
        profile = contents[0].profile
        if profile is None and contents[0].part == 1:
            return None
        reason = _wrong_name(first) or (_incomplete(shard, files) if shard else None) or _odd_parts(shard, contents)
        if reason is not None or profile is None:
            reason = reason or "It is a part of a model, not its beginning."
            return BrokenFile(model_id, printable(first.path), reason, keeper)
        return _model(model_id, files, contents, profile)

    def _contents(self, file: File) -> Contents | str:
        """What a file holds, or why it cannot be used; read only when it changed."""
        known = self._known.get(file.path)
        if known is not None and known[0] == file.stamp:
            return known[1]
        contents = examine(file.path)
        self._known[file.path] = (file.stamp, contents)
        return contents

    def _forget(self, *listings: Listing) -> None:
        files = [file for listing in listings for file in listing.files]
        present = {file.path for file in files} | {file.projector.path for file in files if file.projector}
        for path in self._known.keys() - present:
            del self._known[path]

    def _tell(self, hidden: Hidden) -> None:
        path = hidden.model.path
        if path not in self._told and not hidden.model.bundled:
            self._told.add(path)
            log.warning("%s is not offered: %s has the same name and is taken", path, hidden.by.path)


def examine(path: Path) -> Contents | str:
    """What a file holds, or a sentence that says why it cannot be used."""
    try:
        header, size = _read(path)
        if header.file_size > size:
            return _cut_short(f"{size:,} of {header.file_size:,} bytes are there")
        return _contents_of(header)
    except Truncated as error:
        return _cut_short(f"only {error.have:,} bytes are there, and not even its header is whole")
    except (GgufError, NotServable) as error:
        text = str(error)
        return f"{text[:1].upper()}{text[1:]}."
    except OSError as error:
        return in_words(error)


def _read(path: Path) -> tuple[Header, int]:
    """The header of a file and the file's size; reads no more than it must."""
    wanted = FIRST_READ
    with path.open("rb") as file:
        data = file.read(wanted)
        while True:
            try:
                return read_header(data), file.seek(0, 2)
            except Truncated as error:
                wanted = max(error.needed, wanted * GROWTH)
                more = file.read(wanted - len(data))
                if not more:
                    raise
                data += more


def _contents_of(header: Header) -> Contents:
    parts, part = header.number("split.count") or 1, (header.number("split.no") or 0) + 1
    if is_companion(header):
        return Contents(header.parameters, parts, part, Weights(), None, read_projector(header))
    check_weights(header, alone=parts == 1)
    profile = make_profile(header) if part == 1 else None
    return Contents(header.parameters, parts, part, profile.weights if profile else weigh(header), profile)


def _cut_short(how: str) -> str:
    return f"It is cut short: {how}. While it is still being copied, just wait: it is taken as soon as it is whole."


def _by_model(files: list[File]) -> Iterator[list[File]]:
    """The files of each model together, its shards in order."""
    groups: defaultdict[tuple[Path, str, int], list[File]] = defaultdict(list)
    for file in files:
        shard = file.shard
        key = (file.path.parent, shard.stem, shard.count) if shard else (file.path, file.name, 0)
        groups[key].append(file)
    for group in groups.values():
        yield sorted(group, key=lambda f: f.name)


def _marks(files: list[File]) -> frozenset[Hashable]:
    """By which the same model is known again: the files themselves, and what their keepers say is in them."""
    inodes = tuple(file.stamp.inode for file in files)
    digests = tuple(file.digest for file in files)
    return frozenset([inodes] if None in digests else [inodes, digests])


def _wrong_name(first: File) -> str | None:
    try:
        str(first.path).encode()
    except UnicodeEncodeError:
        return "Its name or the name of its folder is not valid text (UTF-8). Give it another name."
    return None


def _incomplete(shard: Shard, files: list[File]) -> str | None:
    present = [s.number for f in files if (s := f.shard)]
    missing = missing_names(shard, present)
    if not missing:
        return None
    named = ", ".join(f"{name}.gguf" for name in missing[:3]) + (" and others" if len(missing) > 3 else "")
    verb = "is" if len(missing) == 1 else "are"
    return f"{len(missing)} of its {shard.count} files {verb} missing: {named}."


def _odd_parts(shard: Shard | None, contents: list[Contents]) -> str | None:
    """The engine finds the further files by name and believes only what their headers say."""
    count = shard.count if shard else 1
    if any(c.parts != count for c in contents):
        parts = max(c.parts for c in contents)
        return f"Its header says that the model has {parts} files, its name says {count}. Give it back its first name."
    if [c.part for c in contents] != list(range(1, len(contents) + 1)):
        return "Its files have been renamed: their headers say another order than their names."
    return None


def _model(model_id: str, files: list[File], contents: list[Contents], profile: Profile) -> Model:
    return Model(
        id=model_id,
        path=str(files[0].path),
        size=sum(f.stamp.size for f in files),
        architecture=profile.architecture,
        context_length=profile.context_length,
        abilities=profile.abilities,
        parameters=sum(c.parameters for c in contents),
        keeper=files[0].keeper,
        also=files[0].also,
        quantisation=profile.quantisation,
        profile=with_parts(profile, ((c.weights, c.parameters) for c in contents)),
    )


def _as_told(model: Model, told: Told) -> Model:
    """After the projectors were dealt out: what the hub says decides nothing."""
    if not told or model.profile is None:
        return model
    claims = strongest(model.profile.claims, remembered_claims(told))
    return replace(model, told=told, profile=replace(model.profile, claims=claims))


def _id_of(name: str) -> str:
    return clean_id(printable(Path(name))) or "unnamed"


def _with_own_ids(broken: list[BrokenFile]) -> Iterator[BrokenFile]:
    """Sorted; of several with one id all but the first are called by their path."""
    taken: set[str] = set()
    for file in sorted(broken, key=lambda b: (b.id, b.path)):
        yield replace(file, id=clean_id(file.path)) if file.id in taken else file
        taken.add(file.id)
