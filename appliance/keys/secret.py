"""Secrets of keys: 256 random bits in letters and digits.

What is kept is their SHA-256. A slow hash as for passwords would add nothing: nobody can try through 2^256 secrets,
while each request would pay for it. Looking a digest up in an index tells an attacker nothing by its timing either,
since he cannot choose the digests that his guesses have.
"""

from __future__ import annotations

import hashlib
import secrets
import string

PREFIX = "mbx_"
RANDOM_BYTES = 32
HINT = 4  # letters of a secret that stay readable
_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_LENGTH = 43  # 62^43 is just above 2^256


def new_secret() -> str:
    number, letters = int.from_bytes(secrets.token_bytes(RANDOM_BYTES)), []
    for _ in range(_LENGTH):
        number, letter = divmod(number, len(_LETTERS))
        letters.append(_LETTERS[letter])
    return PREFIX + "".join(letters)


def digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def hint_of(secret: str) -> str:
    return secret[-HINT:]


def looks_like_ours(secret: str) -> bool:
    return secret.startswith(PREFIX)
