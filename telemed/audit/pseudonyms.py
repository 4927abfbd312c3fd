"""Who a person is in the log: an HMAC under a key of their own, which can be thrown away (SEC-20).

A pseudonym stays the same as long as its key lives, so "everything about this patient" can be found by computing it
again. Once the key is deleted nothing leads from the entries to the person, not even knowing their public id, and
the entries themselves, and so their hashes, stay as they are.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime

from django.db import connections, transaction

from telemed.audit.leaf import Scalar, canonical_json

# user: a member of staff; seat: a participant of one visit; subject: the patient concerned;
# month: nobody we know (a failed login), erased with the retention of that month.
KINDS = frozenset({"user", "seat", "subject", "month"})

Owner = tuple[str, str]  # (kind, public id)
KEY_CONTEXT = "audit.PseudonymKey.key"


def pseudonym(key: bytes, owner: Owner) -> str:
    """Return the 64 hex digits that stand for this person."""
    return _mac(key, "pseudonym", *owner)


def commitment(key: bytes, name: str, value: Scalar) -> str:
    """Return the 64 hex digits that stand for a personal value called `name` in the details."""
    return _mac(key, "value", name, canonical_json(value))


def month_owner(now: datetime) -> Owner:
    """Return the owner of values that belong to nobody we know."""
    return ("month", f"{now:%Y-%m}")


def create_keys(owners: Iterable[Owner], using: str) -> None:
    """Give each owner a key unless another process just did."""
    from telemed.audit.models import PseudonymKey

    PseudonymKey.objects.using(using).bulk_create(
        [PseudonymKey(kind=kind, owner=owner, key=secrets.token_hex(32)) for kind, owner in owners],
        ignore_conflicts=True,
    )


def find_pseudonym(kind: str, owner: str, using: str = "default") -> str:
    """Return a person's pseudonym, or '' when the log never heard of them or they were erased."""
    from telemed.audit.models import PseudonymKey

    if kind not in KINDS:
        raise ValueError(f"no such kind of person: {kind!r}")
    row = PseudonymKey.objects.using(using).filter(kind=kind, owner=owner).first()
    return "" if row is None else pseudonym(bytes.fromhex(row.key), (kind, owner))


def forget_people(*owners: str, using: str = "default") -> int:
    """Delete every key of these public ids (a patient's own and those of all their seats); return how many.

    Call it inside the erasing transaction and do not record() with these ids afterwards: that would start a new
    pseudonym. Backups still hold the keys until they expire or the erasure is replayed on them.
    """
    from telemed.audit.models import PseudonymKey

    connection = connections[using]
    with transaction.atomic(using=using):
        if connection.vendor == "sqlite":
            with connection.cursor() as cursor:
                # Otherwise the deleted rows stay readable in the file's free pages.
                cursor.execute("PRAGMA secure_delete = ON")
        count, _ = PseudonymKey.objects.using(using).filter(owner__in=owners).delete()
    return count


def _mac(key: bytes, *parts: str) -> str:
    # JSON of the list: no two lists of parts share one message.
    return hmac.new(key, canonical_json(list(parts)).encode(), hashlib.sha256).hexdigest()
