"""Which files of a repository are to be fetched. Pure."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from appliance.models.failed import ModelProblem
from appliance.models.names import without_quantisation
from appliance.models.refs import ENDING, RepoRef
from appliance.models.shards import missing_names, shard_of

ORDER = ("Q4_K_M", "Q4_K_S", "Q4_1", "Q5_K_M", "Q5_K_S", "Q8_0", "BF16")
AFTER = ("Q4_K_XL", "Q4_0", "MXFP4", "IQ4_XS", "IQ4_NL", "Q5_K_XL", "Q6_K", "F16", "F32")  # of what nobody asked for
UNPACKED = frozenset({"F16", "BF16", "F32"})  # twice as large as what nobody can tell from them
COMPANION_ORDER = ("F16", "BF16", "Q8_0", "F32")

_LABEL = re.compile(
    r"(?<![A-Za-z0-9])((?:UD-)?(?:I?Q\d|TQ\d)[A-Z0-9_]*|BF16|F16|F32|FP16|FP32|MXFP4\w*|NVFP4)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_COARSE = re.compile(r"(?:UD-)?(?:I?Q|TQ)[12](?!\d)")  # of one or two bits: it shows in the answers
_ALIASES = {"FP16": "F16", "FP32": "F32", "MXFP4_MOE": "MXFP4"}


class NothingToFetch(ModelProblem):
    """The repository does not hold what was asked for."""


@dataclass(frozen=True, slots=True)
class Suits:
    """How forms of so many bytes would run where they are to be served."""

    well: Callable[[int], bool]
    at_all: Callable[[int], bool]
    larger: bool  # whether the largest that runs well is better than the usual one


@dataclass(frozen=True, slots=True)
class RemoteFile:
    path: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One form of a model in a repository: its files, in order."""

    stem: str
    quant: str | None
    files: tuple[RemoteFile, ...]

    @property
    def size(self) -> int:
        return sum(file.size or 0 for file in self.files)


@dataclass(frozen=True, slots=True)
class Choice:
    variant: Variant
    companion: RemoteFile | None = None  # what gives it eyes or ears

    @property
    def files(self) -> tuple[RemoteFile, ...]:
        return self.variant.files if self.companion is None else (*self.variant.files, self.companion)


def choose(
    listing: Sequence[RemoteFile], ref: RepoRef, budget: int | None = None, suits: Suits | None = None
) -> Choice:
    """Raises NothingToFetch. With a `budget` of bytes the largest form that fits it, else what suits the box best,
    and as long as that is not known the usual order.
    """
    ggufs = [file for file in listing if file.path.casefold().endswith(ENDING)]
    if not ggufs:
        raise NothingToFetch("no_gguf", f"The repository {ref.repo} holds no GGUF file.")
    companion = _companion(ggufs)
    if ref.file is not None:
        variant = _with_file(ggufs, ref.file)
        return Choice(variant, None if is_companion_name(ref.file) else companion)
    found = variants(ggufs)
    if not found:
        raise NothingToFetch("no_gguf", f"The repository {ref.repo} holds no GGUF file of a model, only companions.")
    if ref.quant is not None:
        return Choice(_of_quant(found, ref.quant), companion)
    beside = (companion.size or 0) if companion else 0
    if budget is not None:
        return Choice(_by_size(found, budget - beside), companion)
    return Choice(_by_order(found) if suits is None else _by_fit(found, suits, beside), companion)


def variants(listing: Iterable[RemoteFile]) -> list[Variant]:
    """The forms of models among the files, the smallest first; companions are none."""
    groups: defaultdict[str, list[RemoteFile]] = defaultdict(list)
    for file in listing:
        if file.path.casefold().endswith(ENDING) and not is_companion_name(file.path):
            groups[_stem(file.path)].append(file)
    found = [Variant(stem, quant_of(stem), tuple(sorted(f, key=lambda x: x.path))) for stem, f in groups.items()]
    return sorted(found, key=lambda v: (v.size, v.stem))


def quant_of(stem: str) -> str | None:
    """The quantisation that a file's name tells, else that of its folder."""
    folder, _, name = stem.rpartition("/")
    for text in (name, folder):
        labels: list[str] = _LABEL.findall(text)
        if labels:
            return _ALIASES.get(labels[-1].upper(), labels[-1].upper())
    return None


def is_companion_name(path: str) -> bool:
    name = path.rpartition("/")[2].casefold()
    return "mmproj" in name or "imatrix" in name


def _stem(path: str) -> str:
    """What the files of one model have in common."""
    bare = path[: -len(ENDING)]
    shard = shard_of(bare)
    return bare if shard is None else shard.stem


def _companion(ggufs: list[RemoteFile]) -> RemoteFile | None:
    found = [file for file in ggufs if "mmproj" in file.path.rpartition("/")[2].casefold()]
    return min(found, key=lambda f: (_rank(quant_of(f.path), COMPANION_ORDER), f.path), default=None)


def _with_file(ggufs: list[RemoteFile], path: str) -> Variant:
    """The form that a file belongs to: naming one of several shards means all of them."""
    if path not in {file.path for file in ggufs}:
        near = [f.path for f in ggufs if f.path.rpartition("/")[2].casefold() == path.rpartition("/")[2].casefold()]
        if len(near) != 1:
            raise NothingToFetch(
                "no_such_file", f"There is no {path} in it; there are {_listed(f.path for f in ggufs)}."
            )
        path = near[0]
    stem = _stem(path)
    files = tuple(sorted((f for f in ggufs if _stem(f.path) == stem), key=lambda f: f.path))
    return _whole(Variant(stem, quant_of(stem), files))


def _of_quant(found: list[Variant], quant: str) -> Variant:
    wanted = _ALIASES.get(quant.upper(), quant.upper())
    matches = [v for v in found if v.quant == wanted] or [v for v in found if v.quant == f"UD-{wanted}"]
    if not matches:
        there = _listed(dict.fromkeys(v.quant or v.stem for v in found))
        raise NothingToFetch("no_such_quant", f"There is no {quant} in it; there are {there}.")
    return _single(matches)


def _by_order(found: list[Variant]) -> Variant:
    order = (*ORDER, *AFTER)

    def rank(variant: Variant) -> int:
        return _rank(None if variant.quant is None else variant.quant.removeprefix("UD-"), order)

    best = min(rank(v) for v in found)
    matches = [v for v in found if rank(v) == best]
    plain = [v for v in matches if not (v.quant or "").startswith("UD-")]
    return _single(plain or matches) if best < len(order) else _whole(matches[-1])


def _by_fit(found: list[Variant], suits: Suits, beside: int) -> Variant:
    """What runs well, but nothing coarse as long as something finer runs at all; when nothing does the usual order."""
    if len({without_quantisation(v.stem.rpartition("/")[2]).casefold() for v in found}) > 1:
        return _by_order(found)  # several models: which one is meant cannot be told by their sizes
    able = [v for v in found if suits.at_all(v.size + beside)]
    fine = [v for v in able if not _COARSE.match(v.quant or "")] or able
    well = [v for v in fine if suits.well(v.size + beside)]
    packed = [v for v in well if v.quant not in UNPACKED]
    if suits.larger and packed:
        return _single([v for v in packed if v.quant == packed[-1].quant])
    return _by_order(well or fine or found)


def _by_size(found: list[Variant], room: int) -> Variant:
    fitting = [v for v in found if v.size <= room]
    return _whole(fitting[-1] if fitting else found[0])


def _single(matches: list[Variant]) -> Variant:
    """The same model may lie there whole and in parts; several models are for a person to choose from."""
    names = {v.stem.rpartition("/")[2].casefold() for v in matches}
    if len(names) > 1:
        files = _listed(v.files[0].path for v in matches)
        raise NothingToFetch("several_models", f"It holds several models: {files}. Name the file: org/repo/file.gguf.")
    return _whole(min(matches, key=lambda v: (v.stem.count("/"), len(v.files), v.stem)))


def _whole(variant: Variant) -> Variant:
    """Raises NothingToFetch when shards of it are not there."""
    shards = [shard for f in variant.files if (shard := shard_of(f.path[: -len(ENDING)]))]
    if not shards:
        return variant
    counts = {shard.count for shard in shards}
    if len(shards) != len(variant.files) or len(counts) != 1:
        alone = [f for f in variant.files if shard_of(f.path[: -len(ENDING)]) is None]
        if len(alone) == 1:
            return Variant(variant.stem, variant.quant, (alone[0],))
        raise NothingToFetch("incomplete", f"The parts of {variant.stem} in it do not fit together.")
    missing = missing_names(shards[0], [s.number for s in shards])
    if missing:
        raise NothingToFetch(
            "incomplete", f"Not all parts of {variant.stem} are in it: {_listed(missing)} are missing."
        )
    return variant


def _rank(quant: str | None, order: Sequence[str]) -> int:
    return order.index(quant) if quant in order else len(order)


def _listed(names: Iterable[str], most: int = 12) -> str:
    given = sorted(names)
    return ", ".join(given[:most]) + (f" and {len(given) - most} more" if len(given) > most else "")
