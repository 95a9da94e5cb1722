"""Which models of the catalogue suit a box: the best form of each, and one model for each kind of work. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from appliance.models.catalog import CATALOG, Entry, Form, Skill
from appliance.models.choice import Suits
from appliance.placement.fit import Code, Verdict, fit_for_size
from appliance.placement.room import GIB, NodeResources

READ_FOR_A_WORD = 6 * 10**9  # more than this is slow on a processor: all of it is read for each word
SMALLEST_GPU = 2 * GIB  # with less room a graphics card does not decide what is recommended
USUAL_BITS = 48  # tenths of a bit, for each parameter of a model in its usual form
SHARE_BESIDE = 8  # of the memory one in so many parts, for the model that searches
_WELL = frozenset({Code.FITS, Code.FITS_SHORTER})
_NOT_AT_ALL = frozenset({Code.TOO_BIG, Code.NOT_POSSIBLE, Code.UNKNOWN})


class Role(StrEnum):
    """A kind of work that a box may want a model for."""

    CHAT = "chat"
    CODE = "code"
    VISION = "vision"
    EMBEDDING = "embedding"


_SKILLS = {
    Role.CHAT: (Skill.REASONING, Skill.CHAT),  # those that think also talk; the others that talk may only code
    Role.CODE: (Skill.CODE, Skill.TOOLS),  # where no coder fits, one that uses tools
    Role.VISION: (Skill.VISION,),
    Role.EMBEDDING: (Skill.EMBEDDING,),
}


@dataclass(frozen=True, slots=True)
class Advice:
    """An entry in the form that suits the box best, and how that fits."""

    entry: Entry
    form: Form
    verdict: Verdict

    @property
    def fits(self) -> bool:
        return runs(self.verdict)


@dataclass(frozen=True, slots=True)
class Pick:
    """What is recommended, and for which kinds of work."""

    advice: Advice
    roles: tuple[Role, ...]


def advise(entry: Entry, node: NodeResources | None) -> Advice:
    """The largest form that fits well; else the smallest one that runs at all; else the smallest, which is too big."""
    if node is None:
        return Advice(entry, entry.usual, Verdict(Code.UNKNOWN))
    judged = (Advice(entry, form, _verdict(form.size, node)) for form in reversed(entry.forms))
    smallest = entry.forms[0]
    return next((advice for advice in judged if advice.verdict.code in _WELL), None) or Advice(
        entry, smallest, _verdict(smallest.size, node)
    )


def advise_by_parameters(parameters: int | None, node: NodeResources | None) -> Verdict:
    """For a model of which no more is known than how large it is: in its usual form."""
    if not parameters or node is None:
        return Verdict(Code.UNKNOWN)
    return _verdict(parameters * USUAL_BITS // 80, node)


@lru_cache(maxsize=1024)
def _verdict(size: int, node: NodeResources) -> Verdict:
    return fit_for_size(size, node).verdict


def runs(verdict: Verdict) -> bool:
    """However slowly."""
    return verdict.code not in _NOT_AT_ALL


def suits(node: NodeResources | None) -> Suits | None:
    """How forms of any model would run; None as long as the hardware is not known."""
    if node is None:
        return None

    return Suits(
        well=lambda size: _verdict(size, node).code in _WELL,
        at_all=lambda size: runs(_verdict(size, node)),
        larger=node.gpu_room >= SMALLEST_GPU,
    )


def pack(node: NodeResources | None, entries: Sequence[Entry] = CATALOG) -> tuple[Pick, ...]:
    """For each kind of work the best model that this box runs well, each by itself; one may do several."""
    advices = [advise(entry, node) for entry in entries] if node else []
    suited = [advice for advice in advices if node and _suits(advice, node)]
    roles: dict[str, list[Role]] = {}
    for role in Role:
        best = _best(_small(suited, node) if role is Role.EMBEDDING else suited, role)
        if best is not None:
            roles.setdefault(best.entry.name, []).append(role)
    by_name = {advice.entry.name: advice for advice in suited}
    return tuple(Pick(_brisk(by_name[name], node), tuple(found)) for name, found in roles.items())


def _best(suited: Iterable[Advice], role: Role) -> Advice | None:
    found = list(suited)
    for skill in _SKILLS[role]:
        able = [advice for advice in found if skill in advice.entry.skills]
        if able:
            return max(able, key=lambda advice: advice.entry.grade)
    return None


def _small(suited: list[Advice], node: NodeResources | None) -> list[Advice]:
    """Those that leave room for the model that is talked to, beside them."""
    room = max(node.gpu_room, node.memory.room) if node else 0
    searching = sorted((a for a in suited if Skill.EMBEDDING in a.entry.skills), key=lambda a: a.form.size)
    return [advice for advice in searching if advice.form.size <= room // SHARE_BESIDE] or searching[:1]


def _suits(advice: Advice, node: NodeResources) -> bool:
    """It fits well, and where a processor computes it does not crawl."""
    if advice.verdict.code not in _WELL and (node.gpu_room >= SMALLEST_GPU or not advice.fits):
        return False
    return node.gpu_room >= SMALLEST_GPU or _read(advice.entry, advice.entry.usual) <= READ_FOR_A_WORD


def _brisk(advice: Advice, node: NodeResources | None) -> Advice:
    """On a processor the usual form: a larger one is hardly better and slower."""
    if node is None or node.gpu_room >= SMALLEST_GPU or advice.form.size <= advice.entry.usual.size:
        return advice
    return Advice(advice.entry, advice.entry.usual, _verdict(advice.entry.usual.size, node))


def _read(entry: Entry, form: Form) -> int:
    """Bytes that are read for one word."""
    return form.size * entry.active // entry.parameters
