"""Chunks of whole events, which go on as they came."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from appliance.proxy.shortcut import LONGEST, MOST_LESSONS, MOST_UNTOLD, Run, Shortcut

HEAD, TAIL = b'data: {"choices":[{"delta":{"content":"', b'"}}],"created":1,"id":"x"}\n\n'


def event(word: bytes) -> bytes:
    return HEAD + word + TAIL


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


class Books:
    """What went on, and what was told of it."""

    def __init__(self) -> None:
        self.written, self.runs = list[bytes](), list[Run]()
        self.way = Shortcut(self.written.append, self.runs.append)

    def take(self, *events: bytes) -> bool:
        return sum(self.way.take(chunk(one)) for one in events) == len(events)

    @property
    def booked(self) -> bytes:
        self.way.settle()
        return b"".join(run.whole() for run in self.runs)


def test_chunks_go_on_as_they_came() -> None:
    """The very bytes, one write for each."""
    books = Books()
    books.take(event(b" a"), event(b" b"))
    assert books.written == [chunk(event(b" a")), chunk(event(b" b"))]


def test_events_that_differ_by_a_word_cost_a_word() -> None:
    """Two show what is common; of the others only the rest is kept."""
    books = Books()
    books.take(*map(event, (b" one", b" other", b" third", b" 4")))
    books.way.settle()
    assert books.runs[-1] == Run(HEAD, b" third\r 4", TAIL, 2)


def test_numbers_are_a_rest_too() -> None:
    """A field that counts up stays out of what is common, with all its digits."""
    books = Books()
    numbered = [b'data: {"text":"same","t":%d}\n\n' % number for number in range(1000, 1040)]
    books.take(*numbered)
    assert (books.booked, books.runs[-1].number) == (b"".join(numbered), 38)


def test_the_books_hear_of_many_at_once() -> None:
    """But never of more than a few dozen."""
    books = Books()
    books.take(*(event(b" %d" % number) for number in range(3 * MOST_UNTOLD)))
    assert max(run.number for run in books.runs) == MOST_UNTOLD


def test_another_kind_of_event_is_learned() -> None:
    """When thinking ends and the answer begins, that becomes what is common."""
    books = Books()
    thought = [b'data: {"thought":"%d","same":"%b"}\n\n' % (n, b"y" * 90) for n in range(9)]
    said = [event(b" %d" % n) for n in range(9)]
    books.take(*thought, *said)
    assert books.booked == b"".join(thought + said)
    assert [run.number for run in books.runs] == [1, 1, 7, 1, 1, 7]


def test_one_of_another_kind_changes_nothing() -> None:
    """What was learned stays."""
    books = Books()
    books.take(event(b" a"), event(b" b"), event(b" c"), b"data: {}\n\n", event(b" d"), event(b" e"))
    books.way.settle()
    assert [run.number for run in books.runs] == [1, 1, 1, 1, 2]


def test_lessons_end() -> None:
    """A stream without any pattern is kept whole, not learned from for ever."""
    books = Books()
    events = [b'data: {"%d":"%d"}\n\n' % (kind, number) for kind in range(50) for number in range(3)]
    books.take(*events)
    assert (books.booked, sum(run.back != b"" for run in books.runs)) == (b"".join(events), MOST_LESSONS)


@pytest.mark.parametrize(
    "data",
    [
        b"3\r\nx\n\n\r\n4",
        b"3\r\nxxx\r\n",
        b"03\r\nx\n\n\r\n",
        b"3;x\r\nx\n\n\r\n",
        b"A\r\n12345678\n\n\r\n",
        b"1\r\n\n\r\n",
        b"0\r\n\r\n",
        b"2\r\nx\n\n\r\n",
        b"4\r\nx\n\n\r\n",
        b"x\n\n\r\n",
        b"",
        chunk(b"x" * LONGEST + b"\n\n"),
        chunk(b"a\n\n") + chunk(b"b"),
    ],
)
def test_everything_else_takes_the_long_way(data: bytes) -> None:
    """Nothing of it was passed on."""
    books = Books()
    assert (books.way.take(data), books.written, books.booked) == (False, [], b"")


def test_chunks_that_came_at_once_are_taken_apart() -> None:
    """They are written as they came and booked one by one."""
    books = Books()
    words = [event(b" %d" % number) for number in range(5)]
    assert books.way.take(b"".join(map(chunk, words)))
    assert (b"".join(books.written), books.booked) == (b"".join(map(chunk, words)), b"".join(words))


def test_what_is_too_short_for_what_is_common_is_not_taken_for_it() -> None:
    """It begins and ends like the others, with the same bytes for both."""
    books = Books()
    events = [b'data: "aa"\n\n', b'data: "bb"\n\n', b'data: "\n\n', b'data: "cc"\n\n']
    books.take(*events)
    assert books.booked == b"".join(events)


def test_a_carriage_return_within_an_event_does_no_harm() -> None:
    """It is what separates the rests where they are kept."""
    books = Books()
    events = [event(word) for word in (b"a", b"b", b"c\rc", b"d")]
    books.take(*events)
    assert books.booked == b"".join(events)


@given(
    st.lists(
        st.tuples(st.sampled_from([HEAD, b'data: {"n":', b"event: x\ndata: "]), st.binary(max_size=9)), max_size=99
    )
)
def test_nothing_is_lost_or_counted_wrong(parts: list[tuple[bytes, bytes]]) -> None:
    """Whatever events are like: their bytes, their number and the last two of them come out as they went in."""
    books = Books()
    events = [begin + rest.replace(b"\n", b" ") + b'"}\n\n' for begin, rest in parts]
    assert books.take(*events)
    assert books.booked == b"".join(events)
    assert sum(run.size for run in books.runs) == len(books.booked)
    assert sum(run.occurrences(b"\n\n") for run in books.runs) == len(events)
    assert [piece for run in books.runs for piece in run.last_two()][-1:] == events[-1:]
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(books.runs), type=list[Run]) == books.runs
