"""System checks on the keys: a server with a lost or weak key must not start.

vault.E001 a key in use is unknown; vault.E002 malformed; vault.E003 too short or guessable;
vault.E004 (in fields.py) an index on an encrypted field.
"""

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.management.base import SystemCheckError
from django.db import connections

from telemed.vault.index import parse_index_key
from telemed.vault.keyring import KeyRing, KeyRingError, parse_field_keys

_IDS = {"malformed": "vault.E002", "weak": "vault.E003"}


@register(Tags.security)
def check_key_strength(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error for each of FIELD_KEYS and BLIND_INDEX_KEY that cannot be used."""
    found: list[CheckMessage] = []
    for parse in (_parse_ring, _parse_index):
        try:
            parse()
        except KeyRingError as error:
            found.append(Error(str(error), hint="Make a key with: openssl rand -base64 32", id=_IDS[error.code]))
    return found


@register(Tags.database)
def check_keys_known(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Return an error for each key id that has written to a database and is no longer in FIELD_KEYS."""
    from telemed.vault.models import KeyUse

    try:
        known = _parse_ring().key_ids
    except KeyRingError:
        return []  # check_key_strength says so
    found: list[CheckMessage] = []
    for alias in databases or ():
        if KeyUse._meta.db_table not in connections[alias].introspection.table_names():
            continue  # before the first migration
        for key_id in KeyUse.objects.using(alias).exclude(pk__in=known).values_list("key_id", flat=True):
            found.append(
                Error(
                    f"The database {alias!r} holds values encrypted with key {key_id!r}, which FIELD_KEYS lacks.",
                    hint="Put the key back; to retire it, run rotate_field_keys while it is still listed.",
                    id="vault.E001",
                )
            )
    return found


def require_keys() -> None:
    """Raise SystemCheckError with all findings of both checks."""
    found = check_key_strength() + check_keys_known(databases=list(connections))
    if found:
        raise SystemCheckError("\n".join(f"{message.id}: {message.msg} {message.hint}" for message in found))


def _parse_ring() -> KeyRing:
    return parse_field_keys(getattr(settings, "FIELD_KEYS", []))


def _parse_index() -> bytes:
    return parse_index_key(getattr(settings, "BLIND_INDEX_KEY", ""))
