"""The secrets of authenticator apps and recovery codes at rest: sealed by the vault inside allauth's JSON column."""

from allauth.mfa.models import Authenticator
from django.db import transaction

from telemed.vault.keyring import current_ring, key_id_of
from telemed.vault.sealing import seal, unseal

# allauth asks to encrypt a text without saying whose: all secrets in the column share this context.
_CONTEXT = "mfa.Authenticator.data"
_SEALED_KEYS = ("secret", "seed")
_BATCH_ROWS = 200


def seal_secret(text: str) -> str:
    """Return the stored form of a secret."""
    return seal(text, _CONTEXT)


def unseal_secret(stored: str) -> str:
    """Return the secret; raise keyring.DecryptionError when the stored form was changed."""
    return unseal(stored, _CONTEXT)


def rotate(using: str) -> int:
    """Re-encrypt every secret under an old key; return how many."""
    last, count = 0, 0
    while True:
        with transaction.atomic(using=using):
            rows = list(
                Authenticator.objects.using(using).select_for_update().filter(pk__gt=last).order_by("pk")[:_BATCH_ROWS]
            )
            for row in rows:
                count += _rotate_row(row, using)
        if not rows:
            return count
        last = rows[-1].pk


def _rotate_row(row: Authenticator, using: str) -> int:
    old = [key for key in _SEALED_KEYS if key in row.data and key_id_of(row.data[key]) != current_ring().current_key_id]
    for key in old:
        row.data[key] = seal(unseal_secret(row.data[key]), _CONTEXT, using)
    if old:
        row.save(using=using, update_fields=["data"])
    return len(old)
