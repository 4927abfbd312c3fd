"""Blind index: find an encrypted value by equality without storing it in the clear."""

import hashlib
import hmac
from functools import lru_cache

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from telemed.vault.keyring import decode_key


def parse_index_key(encoded: str) -> bytes:
    """Return the 32 bytes of BLIND_INDEX_KEY (base64); raise KeyRingError when malformed or weak."""
    return decode_key(encoded, "BLIND_INDEX_KEY")


@lru_cache(maxsize=64)
def _subkey(encoded: str, purpose: str) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=f"blind-index/1/{purpose}".encode()).derive(
        parse_index_key(encoded)
    )


def blind_index(value: str, purpose: str) -> str:
    """Return 64 hex digits that are equal for equal values of one purpose; '' for ''.

    HMAC-SHA256 under a subkey (RFC 5869) of settings.BLIND_INDEX_KEY. `purpose` ("patient.email") separates
    columns, so equal values in two columns cannot be joined. The caller normalises (case, blanks) first.
    """
    if not purpose:
        raise ValueError("a blind index needs a purpose")
    if value == "":
        return ""
    return hmac.new(_subkey(settings.BLIND_INDEX_KEY, purpose), value.encode(), hashlib.sha256).hexdigest()
