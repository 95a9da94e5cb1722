"""The models of this box: looks through its folders and remembers every header it read.

A scan that finds nothing changed opens no file. Of two models with the same id the one nearest to the top of the
models folder is taken, then the first by path; a bundled one comes last.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from appliance.models.folder import ENDING, File, Listing, Stamp, in_words, list_files, printable
from appliance.models.gguf_header import GgufError, Header, Truncated, read_header
from appliance.models.names import clean_id
from appliance.models.profile import NotServable, check_weights, is_companion, make_profile, with_parts
from appliance.models.projectors import Projector, Seer, paired, read_projector
from appliance.models.shards import Shard, missing_names, shard_of
from appliance.models.types import BrokenFile, Library, Model, Profile
from appliance.models.weights import Weights, weigh

log = logging.getLogger("meshbox.models")

FIRST_READ = 256 << 10
GROWTH = 4


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

    def __init__(self, models_dir: Path, bundled_dir: Path) -> None:
        self._models_dir = models_dir.absolute()
        self._bundled_dir = bundled_dir.absolute()
        self._known: dict[Path, tuple[Stamp, Contents | str]] = {}
        self._told: set[str] = set()

    def scan(self) -> Library:
        own, bundled = list_files(self._models_dir), list_files(self._bundled_dir)
        self._forget(own, bundled)
        found = [*self._found(own, bundled=False), *self._found(bundled, bundled=True)]
        models = [f for f in found if isinstance(f, Model)]
        broken = [f for f in found if isinstance(f, BrokenFile)]
        if bundled.unreadable is not None:
            broken.append(BrokenFile(self._bundled_dir.name, printable(self._bundled_dir), bundled.unreadable))
        return Library(
            models=paired(sorted(self._one_each(models), key=lambda m: m.id), self._projectors(own, bundled)),
            broken=tuple(_with_own_ids(broken)),
            unreadable=own.unreadable,
        )

    def _found(self, listing: Listing, *, bundled: bool) -> Iterator[Model | BrokenFile]:
        for obstacle in listing.obstacles:
            yield BrokenFile(_id_of(obstacle.path.name.removesuffix(ENDING)), printable(obstacle.path), obstacle.reason)
        for files in _by_model(listing.files):
            found = self._judge(files)
            if found is not None:
                yield replace(found, bundled=bundled) if isinstance(found, Model) else found

    def _projectors(self, *listings: Listing) -> list[Projector]:
        """Those among the files that were just looked at."""
        found = []
        for file in (file for listing in listings for file in listing.files):
            _, contents = self._known.get(file.path, (None, None))
            if isinstance(contents, Contents) and contents.seer is not None and _wrong_name(file) is None:
                found.append(Projector(str(file.path), contents.seer, file.stamp.size))
        return found

    def _judge(self, files: list[File]) -> Model | BrokenFile | None:
        """One model, or why it cannot be served; None for files that are none."""
        first = files[0]
        shard = shard_of(first.name)
        model_id = _id_of(shard.stem if shard else first.name)
        contents: list[Contents] = []
        for file in files:
            seen = self._contents(file)
            if isinstance(seen, str):
                return BrokenFile(model_id, printable(file.path), seen)
            contents.append(seen)
        profile = contents[0].profile
        if profile is None and contents[0].part == 1:
            return None
        reason = _wrong_name(first) or (_incomplete(shard, files) if shard else None) or _odd_parts(shard, contents)
        if reason is not None or profile is None:
            return BrokenFile(model_id, printable(first.path), reason or "It is a part of a model, not its beginning.")
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
        present = {file.path for listing in listings for file in listing.files}
        for path in self._known.keys() - present:
            del self._known[path]

    def _one_each(self, models: Iterable[Model]) -> Iterator[Model]:
        taken: dict[str, Model] = {}
        for model in models:
            other = taken.setdefault(model.id, model)
            if other is model:
                yield model
            elif model.path not in self._told and not model.bundled:
                self._told.add(model.path)
                log.warning("%s is not offered: %s has the same name and is taken", model.path, other.path)


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
        shard = shard_of(file.name)
        key = (file.path.parent, shard.stem, shard.count) if shard else (file.path, "", 0)
        groups[key].append(file)
    for group in groups.values():
        yield sorted(group, key=lambda f: f.name)


def _wrong_name(first: File) -> str | None:
    try:
        str(first.path).encode()
    except UnicodeEncodeError:
        return "Its name or the name of its folder is not valid text (UTF-8). Give it another name."
    return None


def _incomplete(shard: Shard, files: list[File]) -> str | None:
    present = [s.number for f in files if (s := shard_of(f.name))]
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
        quantisation=profile.quantisation,
        profile=with_parts(profile, ((c.weights, c.parameters) for c in contents)),
    )


def _id_of(name: str) -> str:
    return clean_id(printable(Path(name))) or "unnamed"


def _with_own_ids(broken: list[BrokenFile]) -> Iterator[BrokenFile]:
    """Sorted; of several with one id all but the first are called by their path."""
    taken: set[str] = set()
    for file in sorted(broken, key=lambda b: (b.id, b.path)):
        yield replace(file, id=clean_id(file.path)) if file.id in taken else file
        taken.add(file.id)
