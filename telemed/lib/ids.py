"""Identifiers and tokens from the operating system's random source."""

import hashlib
import secrets

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
PUBLIC_ID_LENGTH = 22  # 62^22 > 2^128: shorter would lose bits


def public_id() -> str:
    """Return 22 letters and digits carrying 128 random bits: safe in URLs, no order, no meaning."""
    number = secrets.randbits(128)
    digits = []
    for _ in range(PUBLIC_ID_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(digits)


def new_token() -> str:
    """Return a 256-bit bearer token (43 URL-safe characters). Store only its `token_hash`."""
    return secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """Return the SHA-256 of a token in hex, the only form that is kept.

    No salt and no stretching: the input already carries 256 random bits, so there is nothing to guess.
    """
    return hashlib.sha256(token.encode()).hexdigest()
