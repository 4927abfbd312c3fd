"""Which key ids this database depends on: kept in KeyUse, asked once per process and database.

The note is written before the value it protects and in the same transaction. A process remembers a note only
once it is known to be committed: after a rollback the next write notes the key again.
"""

from threading import Lock

from django.db import connections, transaction

_known: set[tuple[str, str, str]] = set()
_lock = Lock()
_PENDING = "_vault_pending_keys"  # on the connection: ids inserted here and not yet committed


def note_key_use(key_id: str, using: str) -> None:
    """Make sure KeyUse holds `key_id` in database `using`. No query when this process knows that it does."""
    from telemed.vault.models import KeyUse

    connection = connections[using]
    mark = (using, str(connection.settings_dict["NAME"]), key_id)
    if mark in _known:
        return
    pending: set[str] = connection.__dict__.setdefault(_PENDING, set())
    if KeyUse.objects.using(using).filter(pk=key_id).exists():
        if key_id not in pending:
            _remember(mark)
        return
    # Ignoring conflicts: another process may note the same key at this moment.
    KeyUse.objects.using(using).bulk_create([KeyUse(key_id=key_id)], ignore_conflicts=True)
    pending.add(key_id)

    def committed() -> None:
        pending.discard(key_id)
        _remember(mark)

    transaction.on_commit(committed, using=using)


def forget_known_keys() -> None:
    """Ask the database again at the next write (after KeyUse rows were removed)."""
    with _lock:
        _known.clear()


def _remember(mark: tuple[str, str, str]) -> None:
    with _lock:
        _known.add(mark)
