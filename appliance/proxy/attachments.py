"""What comes with a request beside its words: nothing is fetched for it from elsewhere, and objects are put in.

Objects are put in on the way to the engine. Until then the body holds marks, so that a request that waits in line takes
next to no memory. Engines get them as they take pictures and sound: in base64, each as one long word in the JSON.
"""

from __future__ import annotations

import asyncio
import binascii

import msgspec

from appliance.objects.store import Loan, ObjectStore
from appliance.objects.types import MIB, ObjectProblem, Party
from appliance.proxy.endpoints import Shape
from appliance.proxy.errors import ApiError, bad_request
from appliance.proxy.links import remote_link
from appliance.proxy.marking import Marker

ENGINE_MIB = 95
LONGEST_TEXT = 4 * MIB
STEP = 3 << 18  # bytes at once; of three bytes base64 makes four signs


def refuse_links(body: bytes) -> None:
    """Raises ApiError for a body with an address that an engine would fetch. It is JSON, as far as was looked at."""
    try:
        link = remote_link(body)
    except RecursionError as error:
        raise bad_request("The JSON body is nested too deeply.", "malformed_json") from error
    except ValueError as error:
        raise bad_request(f"The body is not valid JSON: {error}", "malformed_json") from error
    if link is not None:
        raise bad_request(
            f"This box fetches nothing from the web for a request, so not {link[:100]!r} either. Send the picture "
            "itself as a data: URL, or put it up with POST /api/objects. The setting api.fetch_links allows it.",
            "link_not_fetched",
            "messages",
        )


class Attachments:
    """The objects of one request; `close` has to be called once it is over."""

    def __init__(self, store: ObjectStore, asker: Party, shape: Shape) -> None:
        self._store, self._asker = store, asker
        self._loans: dict[str, Loan] = {}
        self._marker = Marker(shape, self._lend)
        self._used = False  # an engine was asked

    def close(self) -> None:
        while self._loans:
            self._loans.popitem()[1].give_back(used=self._used)

    async def find(self, body: bytes) -> bytes:
        """The body with marks for what it refers to. Raises ApiError."""
        try:
            marked = self._marker.marked(body)
            for mark, loan in self._marker.texts:
                marked = marked.replace(mark, msgspec.json.encode(await asyncio.to_thread(_read_text, loan)))
                self._check_size(marked)
        except ObjectProblem as problem:
            raise bad_request(problem.detail, problem.code, "messages") from problem
        except msgspec.MsgspecError as error:
            raise bad_request(f"The body is not valid JSON: {error}", "malformed_json") from error
        self._check_size(marked)
        return marked if self._loans else body

    async def fill(self, body: bytes) -> bytes | bytearray:
        """The body with everything in its place; that is a use."""
        self._used = True
        return await asyncio.to_thread(self._filled, body) if self._loans else body

    def _lend(self, object_id: str) -> Loan:
        """One use for all the places where a request names the same object."""
        loan = self._loans.get(object_id)
        if loan is None:
            loan = self._loans[object_id] = self._store.lend(object_id, self._asker)
        return loan

    def _check_size(self, marked: bytes) -> None:
        size = self._size(marked)
        if self._loans and size > ENGINE_MIB * MIB:
            what = f"With its objects put in, this request has {size / MIB:.0f} MiB; engines take {ENGINE_MIB}."
            raise ApiError(413, "request_too_large", what)

    def _size(self, body: bytes) -> int:
        return len(body) + sum(
            _encoded_size(loan.size) - (end - start) for start, end, loan in self._marker.places(body)
        )

    def _filled(self, body: bytes) -> bytearray:
        """The only copy there is."""
        whole, at, done = bytearray(self._size(body)), 0, 0
        for start, end, loan in self._marker.places(body):
            before = body[done:start]
            whole[at : at + len(before)] = before
            at, done = _encode_into(whole, at + len(before), loan), end
        whole[at:] = body[done:]
        return whole


def _encode_into(whole: bytearray, at: int, loan: Loan) -> int:
    """Writes the object's base64 from `at` on; returns where it ends."""
    for offset in range(0, loan.size, STEP):
        signs = binascii.b2a_base64(loan.read(offset, STEP), newline=False)
        whole[at : at + len(signs)] = signs
        at += len(signs)
    return at


def _encoded_size(size: int) -> int:
    return (size + 2) // 3 * 4


def _read_text(loan: Loan) -> str:
    if loan.size > LONGEST_TEXT:
        raise ObjectProblem(400, "object_unusable", f"A text has at most {LONGEST_TEXT // MIB} MiB.")
    try:
        return loan.read(0, loan.size).decode("utf-8")
    except UnicodeDecodeError as error:
        what = "The object begins like a text, but is none: it is not UTF-8."
        raise ObjectProblem(400, "object_unusable", what) from error
