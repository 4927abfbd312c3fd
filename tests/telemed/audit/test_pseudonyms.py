"""SEC-20: deleting a person's key erases them from the log, and the log still verifies."""

import json
from pathlib import Path

import pytest
from django.db import connections, transaction

from telemed import audit
from telemed.audit.models import AuditEntry, PseudonymKey
from telemed.audit.pseudonyms import find_pseudonym, forget_people
from telemed.audit.verification import verify


def _read_about(alias: str, subject: str, seat: str) -> AuditEntry:
    with transaction.atomic(using=alias):
        seq = audit.record(
            "patient.read", actor_seat=seat, subject=subject, details={"name": audit.Private("Paul")}, using=alias
        )
    return AuditEntry.objects.using(alias).get(seq=seq)


def test_a_pseudonym_is_found_again_while_its_key_lives(both: str) -> None:
    entry = _read_about(both, "paul", "seat1")
    assert find_pseudonym("subject", "paul", both) == entry.subject
    assert f"seat:{find_pseudonym('seat', 'seat1', both)}" == entry.actor
    assert find_pseudonym("subject", "stranger", both) == ""
    with pytest.raises(ValueError, match="kind"):
        find_pseudonym("pet", "rex", both)


def test_after_erasure_nothing_leads_to_the_person_and_the_log_verifies(both: str) -> None:
    before = _read_about(both, "erased", "seat-of-erased")
    kept = _read_about(both, "kept", "seat-of-kept")
    with transaction.atomic(using=both):
        assert forget_people("erased", "seat-of-erased", using=both) == 2
    assert find_pseudonym("subject", "erased", both) == ""
    assert not PseudonymKey.objects.using(both).filter(owner__contains="erased").exists()
    assert find_pseudonym("subject", "kept", both) == kept.subject
    verify(both)

    after = _read_about(both, "erased", "seat-of-erased")
    assert after.subject != before.subject
    assert after.actor != before.actor
    assert json.loads(after.details)["name"] != json.loads(before.details)["name"]
    verify(both)


def test_the_erased_key_is_not_left_in_the_files_free_pages(fresh_sqlite: str) -> None:
    _read_about(fresh_sqlite, "paul", "seat1")
    path = Path(str(connections[fresh_sqlite].settings_dict["NAME"]))
    with connections[fresh_sqlite].cursor() as cursor:
        cursor.execute("SELECT key FROM audit_pseudonym_key WHERE owner = 'paul'")
        (sealed,) = cursor.fetchone()
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.fetchall()
        assert sealed.encode() in path.read_bytes()
        forget_people("paul", using=fresh_sqlite)
        cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        cursor.fetchall()
    assert sealed.encode() not in path.read_bytes()
