"""Records of other boxes are claims."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from appliance.mesh.discovery.record import MOST_ADDRESSES, Heard, Nearby, mark_of, nearby_of, properties
from appliance.mesh.lanes.address import Address

NODE = "abcdefghijklmnop"
MESH = "meshmeshmeshmesh"


def heard_of(**changes: bytes | None) -> Heard:
    said = {key.encode(): value.encode() for key, value in properties(NODE, "Kitchen", "1.2", MESH, 9338).items()}
    return Heard("x", said | {key.encode(): value for key, value in changes.items()}, ("192.168.1.20",), 9338)


def placed(*addresses: str, port: int | None = 9338) -> Nearby | None:
    return nearby_of(Heard("x", heard_of().properties, addresses, port), 5.0)


def test_what_a_box_says_is_what_another_reads() -> None:
    """Both ends of a record agree."""
    expected = Nearby(NODE, "Kitchen", mark_of(MESH), ("192.168.1.20",), 9338, "1.2", protocol=1, seen_at=5.0)
    assert nearby_of(heard_of(), 5.0) == expected


def test_the_id_of_a_mesh_is_not_shown() -> None:
    """A stranger on the network learns no mesh id, a member recognises its own."""
    assert MESH not in str(properties(NODE, "n", "1", MESH, 1))
    assert properties(NODE, "n", "1", MESH, 1)["mesh"] == mark_of(MESH)


def test_a_box_without_a_mesh_says_so() -> None:
    """There is a word for it, and it is no mark."""
    assert properties(NODE, "n", "1", None, 1)["mesh"] == "none"
    box = nearby_of(heard_of(mesh=b"none"), 0.0)
    assert box is not None
    assert box.mesh is None


def test_without_an_id_it_is_no_box() -> None:
    """An id has the form of ids."""
    for bad in (None, b"", b"ABCDEFGHIJKLMNOP", b"../../etc/passwd", NODE.encode() + b"x", NODE.encode() + b"\n"):
        assert nearby_of(heard_of(id=bad), 0.0) is None


def test_a_hostile_name_is_made_plain() -> None:
    """No control characters, no direction overrides, nothing endless, never nothing."""
    box = nearby_of(heard_of(name="\u202eevil\x00\n<b>".encode() + b"\xff" + b"y" * 200), 0.0)
    assert box is not None
    assert box.name.startswith("evil <b>")
    assert len(box.name) == 64
    nameless = nearby_of(heard_of(name=b"\x00\x01"), 0.0)
    assert nameless is not None
    assert nameless.name == NODE


def test_a_long_name_fits_into_its_entry() -> None:
    """An entry of such a record has 255 bytes, key and all."""
    said = properties(NODE, "\N{GRINNING FACE}" * 200, "1", None, 1)
    assert len(f"name={said['name']}".encode()) <= 255
    assert set(said["name"]) == {"\N{GRINNING FACE}"}


def test_addresses_that_lead_to_oneself_or_nowhere_are_left_out() -> None:
    """A record cannot send a box to itself, to everybody, or to a link that it does not name."""
    claimed = ("127.0.0.1", "::1", "0.0.0.0", "224.0.0.251", "ff02::fb", "fe80::1", "kitchen.local", "", "x" * 5000)
    assert placed(*claimed) is None
    box = placed(*claimed, "fd00::2", "172.17.0.2", "192.168.1.9")
    assert box is not None
    assert box.addresses == ("192.168.1.9", "fd00::2", "172.17.0.2")
    assert box.places[0] == Address("192.168.1.9", 9338)


def test_the_number_of_addresses_is_bounded() -> None:
    """However many a record has."""
    box = placed(*(f"192.168.{high}.{low}" for high in range(4) for low in range(1, 200)))
    assert box is not None
    assert len(box.addresses) == MOST_ADDRESSES


def test_a_port_is_a_port() -> None:
    """Nothing can be reached at another one."""
    for bad in (None, 0, -1, 65536):
        assert placed("192.168.1.20", port=bad) is None


def test_another_protocol_is_named_and_not_hidden() -> None:
    """A person is told to update a box instead of not seeing it."""
    later = nearby_of(heard_of(protocol=b"2"), 0.0)
    assert later is not None
    assert not later.understood
    odd = nearby_of(heard_of(protocol=b"9" * 500), 0.0)
    assert odd is not None
    assert odd.protocol == 0


@given(
    st.dictionaries(
        st.sampled_from([b"id", b"name", b"version", b"mesh", b"protocol", b"x"]), st.none() | st.binary(max_size=300)
    ),
    st.lists(st.text(max_size=40) | st.ip_addresses().map(str), max_size=20),
    st.none() | st.integers(),
)
def test_no_record_does_harm(said: dict[bytes, bytes | None], addresses: list[str], port: int | None) -> None:
    """Whatever comes: nothing, or a bounded box."""
    box = nearby_of(Heard("x", {b"id": NODE.encode()} | said, tuple(addresses), port), 0.0)
    if box is not None:
        assert len(box.name) <= 64
        assert len(box.version) <= 32
        assert 0 < len(box.addresses) <= MOST_ADDRESSES
        assert box.name.isprintable()
