"""Sums that tell where two boxes know different things."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.membership.digest import Digest, bits_for, bucket_of

entries = st.dictionaries(
    st.text("abcxyz234", min_size=1, max_size=16), st.tuples(st.integers(0, 9), st.integers(0, 9))
)


def digest_of(items: dict[str, tuple[int, int]]) -> Digest:
    digest = Digest()
    for key, age in items.items():
        digest.add(key, *age)
    return digest


@given(entries, st.randoms())
def test_order_does_not_matter(items: dict[str, tuple[int, int]], rng: object) -> None:
    """Who heard the same in another order knows the same."""
    assert digest_of(items).total == digest_of(dict(reversed(items.items()))).total


@given(entries, entries, st.integers(0, 8))
def test_differences_lie_in_the_differing_buckets(
    one: dict[str, tuple[int, int]], other: dict[str, tuple[int, int]], bits: int
) -> None:
    """And in no other."""
    different = {key for key in one.keys() | other.keys() if one.get(key) != other.get(key)}
    found = digest_of(one).differing(bits, digest_of(other).sums(bits))
    assert {bucket_of(key, bits) for key in different} == set(found)
    assert (digest_of(one).total == digest_of(other).total) == (not different)


@given(entries)
def test_what_is_removed_leaves_no_trace(items: dict[str, tuple[int, int]]) -> None:
    """Adding and removing everything gives nothing."""
    digest = digest_of(items)
    for key, age in items.items():
        digest.remove(key, *age)
    assert digest.total == 0
    assert digest.sums(3) == Digest().sums(3)


def test_sums_of_another_length_differ_nowhere() -> None:
    """They are not sums at all."""
    assert digest_of({"a": (1, 1)}).differing(4, b"123") == []


def test_more_entries_more_buckets() -> None:
    """A few entries in each, and never more than 256 buckets."""
    assert [bits_for(count) for count in (0, 8, 100, 1000, 10**6)] == [0, 0, 3, 6, 8]
