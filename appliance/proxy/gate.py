"""The gate of the API: reads the key of a request and says what it may do, before its body is read.

While the box is open a request needs no key, and the made-up keys that many programs send harm nobody. A key that
looks like one of ours is looked up all the same: one that was revoked opens nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from appliance.keys.keyring import Keyring
from appliance.keys.quota import Limit, Refusal
from appliance.keys.secret import looks_like_ours
from appliance.keys.types import Group, Key
from appliance.proxy.asgi import Header, Scope, text_header
from appliance.proxy.endpoints import Shape, shape_of
from appliance.proxy.errors import ApiError
from appliance.proxy.meter import Ticket
from appliance.proxy.permit import NO_KEY, KeyPermit, OwnerPermit, Permit, TableCache
from appliance.proxy.rates import rate_headers

GROUPS = {
    "/v1/chat/completions": Group.CHAT,
    "/v1/responses": Group.CHAT,
    "/v1/messages": Group.CHAT,
    "/v1/messages/count_tokens": Group.CHAT,
    "/apply-template": Group.CHAT,
    "/v1/completions": Group.COMPLETIONS,
    "/infill": Group.COMPLETIONS,
    "/v1/embeddings": Group.EMBEDDINGS,
    "/v1/rerank": Group.RERANK,
    "/v1/audio/transcriptions": Group.AUDIO,
    "/tokenize": Group.TOKENIZE,
    "/detokenize": Group.TOKENIZE,
}
UNAVAILABLE_RETRY_SECONDS = 10
SENT = "meshbox.sent"  # in a scope: its credentials, where somebody has looked for them before
_ASKED: Header = (b"www-authenticate", b"Bearer")
_WORDS = {
    Limit.REQUESTS: "The API key {name!r} may make {most} requests a minute, and has made them.",
    Limit.TOKENS: "The API key {name!r} may use {most} tokens a day (UTC), and has used them.",
    Limit.CONCURRENCY: "The API key {name!r} may have {most} requests answered at once, and so many are under way.",
}


class Gate:
    """Lets everything pass: for those who have shown in another way that they may."""

    def identify(self, _scope: Scope) -> Permit:
        """Who asks; nothing is counted. Raises ApiError (401, 503)."""
        return NO_KEY

    def admit(self, _scope: Scope, _ticket: Ticket) -> Permit:
        """Lets a request for an engine begin; `end` of its permit has to be called. Raises ApiError (401, 403, 429)."""
        return NO_KEY


OPEN_GATE = Gate()


class OwnerGate(Gate):
    """For who has logged in, and so needs no key."""

    def identify(self, _scope: Scope) -> Permit:
        return OwnerPermit()

    def admit(self, _scope: Scope, _ticket: Ticket) -> Permit:
        return OwnerPermit()


OWNER_GATE = OwnerGate()


class KeyGate(Gate):
    def __init__(self, keys: Keyring, required: Callable[[], bool]) -> None:
        self._keys, self._required = keys, required
        self._tables = TableCache()

    def identify(self, scope: Scope) -> Permit:
        key = self._key(scope)
        return NO_KEY if key is None else KeyPermit(self._keys, key, self._tables, counted=False)

    def admit(self, scope: Scope, ticket: Ticket) -> Permit:
        key = self._key(scope)
        if key is None:
            return NO_KEY
        ticket.key = key.name
        allowed = key.grant.endpoints
        if allowed and GROUPS.get(ticket.endpoint) not in allowed:
            raise _not_allowed(key, ticket.endpoint)
        refusal = self._keys.start(key)
        if refusal is not None:
            raise self._too_much(key, refusal, shape_of(ticket.endpoint))
        return KeyPermit(self._keys, key, self._tables, counted=True)

    def _key(self, scope: Scope) -> Key | None:
        """The key that was sent; None when there is none and none is needed."""
        sent = scope.get(SENT) or tuple(credentials(scope))
        ours = next((one for one in sent if looks_like_ours(one)), None)
        if ours is None and not self._required():
            return None
        if not self._keys.loaded:
            raise _unavailable()
        if ours is None:
            raise _foreign() if sent else _missing()
        key = self._keys.find(ours)
        if key is None:
            raise _unknown()
        if key.grant.expired(self._keys.now().wall):
            raise _expired(key)
        return key

    def _too_much(self, key: Key, refusal: Refusal, shape: Shape) -> ApiError:
        what = _WORDS[refusal.limit].format(name=key.name, most=refusal.most)
        tomorrow: list[Header] = [(b"x-should-retry", b"false")] if refusal.limit is Limit.TOKENS else []
        return ApiError(
            429,
            "rate_limit_exceeded",
            f"{what} Try again in {refusal.retry_after} seconds, or ask the owner of this box for more.",
            retry_after=refusal.retry_after,
            details={"limit": refusal.limit.value},
            headers=[*rate_headers(self._keys.rooms(key), shape, self._keys.now().wall), *tomorrow],
        )


def credentials(scope: Scope) -> Iterator[str]:
    """What may be a key, wherever programs put it."""
    kind, _, token = text_header(scope, b"authorization").strip().partition(" ")
    if kind.lower() == "bearer" and token.strip():
        yield token.strip()
    for name in (b"x-api-key", b"api-key"):
        if given := text_header(scope, name).strip():
            yield given


def _missing() -> ApiError:
    return ApiError(
        401,
        "missing_api_key",
        "This box answers only with an API key. Make one on its page under Keys, and send it in the header "
        "'Authorization: Bearer <key>' or 'x-api-key: <key>'.",
        headers=[_ASKED],
    )


def _foreign() -> ApiError:
    return ApiError(
        401,
        "invalid_api_key",
        "What was sent as an API key is none of this box: its keys begin with mbx_. Make one on its page under Keys.",
        headers=[_ASKED],
    )


def _unknown() -> ApiError:
    return ApiError(
        401,
        "invalid_api_key",
        "This API key opens nothing here: it was revoked, is not complete, or is of another box. "
        "Make a new one on the page of this box under Keys.",
        headers=[_ASKED],
    )


def _expired(key: Key) -> ApiError:
    what = f"The API key {key.name!r} has expired. The owner of this box can prolong it on its page under Keys."
    return ApiError(401, "expired_api_key", what, headers=[_ASKED])


def _not_allowed(key: Key, path: str) -> ApiError:
    groups = ", ".join(sorted(key.grant.endpoints))
    return ApiError(
        403,
        "endpoint_not_allowed",
        f"The API key {key.name!r} may not use {path}; it is for: {groups}. "
        "The owner of this box can change that on its page under Keys.",
        details={"allowed": sorted(key.grant.endpoints)},
    )


def _unavailable() -> ApiError:
    return ApiError(
        503,
        "keys_unavailable",
        "This box cannot read its API keys at the moment; the disk may be full. Its page says more.",
        retry_after=UNAVAILABLE_RETRY_SECONDS,
    )
