"""Encrypt a value that does not live in an EncryptedTextField (a JSON blob of another package, for example)."""

from telemed.vault.keyring import current_ring
from telemed.vault.used_keys import note_key_use


def seal(text: str, context: str, using: str = "default") -> str:
    """Return `text` encrypted and bound to `context`; costs one query the first time in a process.

    Register a rotator (telemed.vault.rotation) for every place that keeps such values.
    """
    ring = current_ring()
    note_key_use(ring.current_key_id, using)
    return ring.encrypt(text, context)


def unseal(stored: str, context: str) -> str:
    """Return the text of a sealed value; raise keyring.DecryptionError when anything about it is wrong."""
    return current_ring().decrypt(stored, context)
