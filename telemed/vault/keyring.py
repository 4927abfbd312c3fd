"""The keys that encrypt fields at rest: settings.FIELD_KEYS, and the one thing done with them.

Each item of FIELD_KEYS is "keyid:base64 of 32 bytes". The first key encrypts, all of them decrypt, so a key is
replaced by putting a new one in front, running `rotate_field_keys`, and only then dropping the old one.

A stored value is "keyid:base64(nonce ‖ ciphertext ‖ tag)": AES-256-GCM with a random 96-bit nonce. The
associated data names the model field (and the key id), so that a value copied into another column does not
decrypt. NIST SP 800-38D §8.3 allows 2^32 random nonces per key, far more than a clinic writes.
"""

import base64
import binascii
import os
import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

KEY_BYTES = 32
_NONCE_BYTES = 12
_TAG_BYTES = 16
_KEY_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}\Z")


class KeyRingError(ValueError):
    """FIELD_KEYS cannot be used. `code` is "malformed" or "weak"; the message never holds key material."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class DecryptionError(Exception):
    """A stored value does not decrypt: unknown key, changed bytes, or copied from another field."""


class KeyRing:
    """An ordered set of keys. Immutable; values go in and out as text."""

    def __init__(self, keys: Sequence[tuple[str, bytes]]) -> None:
        if not keys:
            raise KeyRingError("malformed", "FIELD_KEYS is empty")
        self._ciphers: dict[str, AESGCM] = {}
        for key_id, key in keys:
            if key_id in self._ciphers:
                raise KeyRingError("malformed", f"FIELD_KEYS names {key_id!r} twice")
            self._ciphers[key_id] = AESGCM(key)
        self.current_key_id = keys[0][0]

    @property
    def key_ids(self) -> frozenset[str]:
        return frozenset(self._ciphers)

    def encrypt(self, text: str, context: str) -> str:
        """Return the stored form of `text`, bound to `context` ("app.Model.field")."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._ciphers[self.current_key_id].encrypt(
            nonce, text.encode(), _associated_data(self.current_key_id, context)
        )
        return f"{self.current_key_id}:{base64.b64encode(nonce + sealed).decode('ascii')}"

    def decrypt(self, stored: str, context: str) -> str:
        """Return the text of a stored value; raise DecryptionError when anything about it is wrong."""
        key_id, _, encoded = stored.partition(":")
        cipher = self._ciphers.get(key_id)
        if cipher is None:
            # Not echoed: what stands before the colon may be clear text that never was encrypted.
            raise DecryptionError(f"{context}: stored value names no key of FIELD_KEYS")
        try:
            raw = base64.b64decode(encoded, validate=True)
        except (binascii.Error, ValueError):
            raise DecryptionError(f"{context}: stored value is not base64") from None
        if len(raw) < _NONCE_BYTES + _TAG_BYTES:
            raise DecryptionError(f"{context}: stored value is too short")
        try:
            clear = cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], _associated_data(key_id, context))
        except InvalidTag:
            raise DecryptionError(f"{context}: stored value was changed or belongs to another field") from None
        return clear.decode()


def _associated_data(key_id: str, context: str) -> bytes:
    return f"vault/1|{key_id}|{context}".encode()


def key_id_of(stored: str) -> str:
    """Return the key id that a stored value names, without decrypting it."""
    return stored.partition(":")[0]


def parse_field_keys(items: Sequence[str]) -> KeyRing:
    """Return the key ring of FIELD_KEYS; raise KeyRingError for malformed, short or guessable keys."""
    if isinstance(items, str):
        raise KeyRingError("malformed", "FIELD_KEYS must be a list of 'keyid:base64'")
    keys: list[tuple[str, bytes]] = []
    for position, item in enumerate(items, start=1):
        key_id, colon, encoded = item.partition(":")
        if not colon or not _KEY_ID.match(key_id):
            raise KeyRingError("malformed", f"FIELD_KEYS item {position} is not 'keyid:base64'")
        keys.append((key_id, decode_key(encoded, f"FIELD_KEYS: key {key_id!r}")))
    return KeyRing(keys)


def decode_key(encoded: str, name: str) -> bytes:
    """Return the 32 bytes of a base64 key (either alphabet, padding optional).

    Raises KeyRingError when it is not base64, not 32 bytes, or plainly no product of a random source: 32 random bytes
    hold about 30 different values and fewer than 17 not once in 10^13 keys; words and repeated or counted
    patterns fail one of the tests.
    """
    standard = encoded.strip().replace("-", "+").replace("_", "/").rstrip("=")
    try:
        key = base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise KeyRingError("malformed", f"{name} is not base64") from None
    if len(key) != KEY_BYTES:
        raise KeyRingError("weak", f"{name} has {len(key)} bytes, {KEY_BYTES} are needed")
    steps = {(after - before) % 256 for before, after in pairwise(key)}
    if len(set(key)) < 17 or len(steps) == 1 or all(0x20 <= byte < 0x7F for byte in key):
        raise KeyRingError("weak", f"{name} is not random; make one with: openssl rand -base64 32")
    return key


@lru_cache(maxsize=8)
def _parse_cached(items: tuple[str, ...]) -> KeyRing:
    return parse_field_keys(items)


def current_ring() -> KeyRing:
    """Return the ring of settings.FIELD_KEYS, parsed once per distinct value."""
    return _parse_cached(tuple(settings.FIELD_KEYS))
