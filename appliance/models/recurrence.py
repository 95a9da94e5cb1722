"""Layers that keep a state of fixed size instead of keys and values: which they are, and how large the state is."""

from __future__ import annotations

from dataclasses import dataclass

from appliance.models import architectures as known
from appliance.models.facts import Facts


@dataclass(frozen=True, slots=True)
class Recurrence:
    """What a layer with a state works on, in elements."""

    inner: int
    projection: int  # what a token is first spread out to
    convolution: int
    taps: int  # what of the state belongs to the convolution
    delta: bool  # a delta net, which goes through its state twice


def recurrent_layers(facts: Facts, architecture: str, keeping: tuple[int, ...]) -> tuple[bool, ...]:
    """`keeping` is the number of key-value heads of each layer."""
    count = len(keeping)
    if architecture in known.RECURRENT | known.BOTH_IN_EACH_LAYER:
        return (True,) * count
    if architecture in known.HYBRID_BY_HEADS:
        return tuple(heads == 0 for heads in keeping)
    if architecture in known.HYBRID_WITHOUT_FEED_FORWARD:
        return tuple(heads == 0 and size == 0 for heads, size in zip(keeping, inner_sizes(facts, count), strict=True))
    if architecture in known.HYBRID_BY_INTERVAL:
        listed = facts.each("attention.recurrent_layers", count)
        every = facts.number("full_attention_interval") or known.HYBRID_BY_INTERVAL[architecture]
        return tuple(map(bool, listed)) if listed else tuple((i + 1) % every != 0 for i in range(count))
    return (False,) * count


def inner_sizes(facts: Facts, count: int) -> tuple[int, ...]:
    return facts.each("feed_forward_length", count) or (0,) * count


def state_size(facts: Facts, architecture: str, heads: int, head_size: int) -> int:
    """Elements that one layer keeps for each sequence: `n_embd_r` and `n_embd_s` of the engine."""
    width, kernel = facts.number("embedding_length"), facts.number("ssm.conv_kernel")
    if wide := facts.number("wkv.head_size"):
        shifts = facts.number("token_shift_count") if facts.has("token_shift_count") else 2
        return width * (shifts + wide)
    if taps := facts.number("shortconv.l_cache"):
        return width * (taps - 1)
    if head := facts.number("kda.head_dim"):
        return 3 * (kernel - 1 if kernel else 3) * heads * head + head * head * heads
    if architecture == "minimax-01":
        return head_size * head_size * heads
    inner, state = facts.number("ssm.inner_size"), facts.number("ssm.state_size")
    return max(0, kernel - 1) * _convolution(facts) + state * inner


def read_recurrence(facts: Facts, architecture: str) -> Recurrence | None:
    inner, convolution = facts.number("ssm.inner_size"), _convolution(facts)
    if not inner:
        return None
    delta = architecture in known.DELTA_NETS
    steps = 0 if delta or architecture in {"mamba", "jamba"} else facts.number("ssm.time_step_rank")
    taps = max(0, facts.number("ssm.conv_kernel") - 1) * convolution
    return Recurrence(inner, inner + convolution + steps, convolution, taps, delta)


def _convolution(facts: Facts) -> int:
    return facts.number("ssm.inner_size") + 2 * facts.number("ssm.group_count") * facts.number("ssm.state_size")
