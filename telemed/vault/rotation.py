"""Re-encrypts everything that is not under the first key of FIELD_KEYS, so that old keys can be dropped.

Works through ORM batches, each in its own short transaction that locks its rows and writes only what is still old: it
can be stopped, repeated and run while the application writes (with the new key listed first everywhere).
"""

from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.db import connections, models, transaction

from telemed.vault.fields import EncryptedTextField
from telemed.vault.keyring import current_ring, key_id_of
from telemed.vault.models import KeyUse
from telemed.vault.used_keys import forget_known_keys, note_key_use

BATCH_ROWS = 200

# Places outside EncryptedTextField that keep sealed values: label -> function(using) -> values re-encrypted.
_rotators: dict[str, Callable[[str], int]] = {}


def register_rotator(label: str, rotate: Callable[[str], int]) -> None:
    """Add a function that re-encrypts its own sealed values in database `using` and returns how many."""
    _rotators[label] = rotate


def encrypted_fields() -> Iterator[tuple[type[models.Model], list[EncryptedTextField]]]:
    """Yield each concrete, managed model that has encrypted fields, with these fields."""
    for model in apps.get_models(include_auto_created=True):
        fields = [field for field in model._meta.local_concrete_fields if isinstance(field, EncryptedTextField)]
        if fields and model._meta.managed and not model._meta.proxy:
            yield model, fields


def rotate_all(using: str = "default", report: Callable[[str, int], None] = lambda label, count: None) -> int:
    """Re-encrypt every value under an old key and forget the old keys; return how many values changed.

    `report(label, count)` is called once per model. A value that does not decrypt raises DecryptionError:
    nothing is skipped, and KeyUse keeps its rows.
    """
    note_key_use(current_ring().current_key_id, using)
    total = 0
    for model, fields in encrypted_fields():
        count = sum(_rotate_batches(model, fields, using))
        report(model._meta.label, count)
        total += count
    for label, rotate in _rotators.items():
        count = rotate(using)
        report(label, count)
        total += count
    KeyUse.objects.using(using).exclude(pk=current_ring().current_key_id).delete()
    forget_known_keys()
    return total


def _rotate_batches(model: type[models.Model], fields: list[EncryptedTextField], using: str) -> Iterator[int]:
    last = None
    while True:
        with transaction.atomic(using=using):
            rows = _next_rows(model, fields, using, last)
            yield sum(_rotate_row(model, fields, using, row) for row in rows)
        if len(rows) < BATCH_ROWS:
            return
        last = rows[-1][0]


def _next_rows(
    model: type[models.Model], fields: list[EncryptedTextField], using: str, last: Any
) -> list[tuple[Any, ...]]:
    """Return (pk, stored value…) of the next rows in primary-key order, locked where the database can."""
    connection = connections[using]
    table, pk, columns = _names(model, fields, using)
    after = f"WHERE {pk} > %s " if last is not None else ""
    lock = " FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join([pk, *columns])} FROM {table} {after}"  # noqa: S608  names from models
            f"ORDER BY {pk} LIMIT {BATCH_ROWS}{lock}",
            [last] if last is not None else [],
        )
        return list(cursor.fetchall())


def _rotate_row(model: type[models.Model], fields: list[EncryptedTextField], using: str, row: tuple[Any, ...]) -> int:
    ring = current_ring()
    table, pk, columns = _names(model, fields, using)
    changed = {
        column: ring.encrypt(ring.decrypt(stored, field.context), field.context)
        for field, column, stored in zip(fields, columns, row[1:], strict=True)
        if isinstance(stored, str) and stored and key_id_of(stored) != ring.current_key_id
    }
    if changed:
        sets = ", ".join(f"{column} = %s" for column in changed)
        with connections[using].cursor() as cursor:
            cursor.execute(
                f"UPDATE {table} SET {sets} WHERE {pk} = %s",  # noqa: S608  names from models
                [*changed.values(), row[0]],
            )
    return len(changed)


def _names(model: type[models.Model], fields: list[EncryptedTextField], using: str) -> tuple[str, str, list[str]]:
    """Return the quoted names of the table, the primary key and the columns of `fields`."""
    quote = connections[using].ops.quote_name
    pk = model._meta.pk
    assert pk is not None
    return quote(model._meta.db_table), quote(str(pk.column)), [quote(str(field.column)) for field in fields]
