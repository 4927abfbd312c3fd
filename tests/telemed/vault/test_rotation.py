"""Replacing a key: every value moves, nothing is lost, nothing is skipped (SEC-21)."""

import base64
import os
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connections
from pytest_django import Settings

from consultations.clinics.models import Clinic
from consultations.patients.models import Patient
from telemed.vault import rotation
from telemed.vault.checks import check_keys_known
from telemed.vault.keyring import DecryptionError
from telemed.vault.models import KeyUse
from telemed.vault.rotation import encrypted_fields, rotate_all
from telemed.vault.used_keys import forget_known_keys

ROWS = 450  # more than two batches


def _item(key_id: str) -> str:
    return f"{key_id}:{base64.b64encode(os.urandom(32)).decode()}"


@pytest.fixture
def patients(both: str, settings: Settings) -> str:
    """An alias with ROWS patients under the key "old", which "new" is about to replace."""
    forget_known_keys()
    settings.FIELD_KEYS = [_item("old"), *settings.FIELD_KEYS]
    clinic = Clinic.objects.using(both).create(name="Rotation Clinic")
    Patient.objects.using(both).bulk_create(
        [
            Patient(clinic=clinic, name="x", email=f"p{number}@example.org", phone="" if number % 2 else str(number))
            for number in range(ROWS)
        ]
    )
    yield both
    with connections[both].cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET email = '', phone = ''")  # one test left junk that does not open
    Patient.objects.using(both).filter(clinic=clinic).delete()
    clinic.delete(using=both)


def _key_ids(alias: str) -> set[str]:
    with connections[alias].cursor() as cursor:
        cursor.execute("SELECT email, phone FROM patients_patient")
        return {value.partition(":")[0] for row in cursor.fetchall() for value in row if value}


def test_every_value_moves_to_the_first_key(patients: str, settings: Settings) -> None:
    old = settings.FIELD_KEYS
    assert _key_ids(patients) == {"old"}
    settings.FIELD_KEYS = [_item("new"), *old]
    out = StringIO()
    call_command("rotate_field_keys", database=patients, stdout=out)
    assert f"patients.Patient: {ROWS + ROWS // 2} re-encrypted" in out.getvalue()
    assert _key_ids(patients) == {"new"}

    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]  # the old keys are gone for good
    assert check_keys_known(databases=[patients]) == []
    emails = set(Patient.objects.using(patients).values_list("email", flat=True))
    assert emails == {f"p{number}@example.org" for number in range(ROWS)}
    assert list(KeyUse.objects.using(patients).values_list("key_id", flat=True)) == ["new"]
    settings.FIELD_KEYS = [settings.FIELD_KEYS[0], *old]


def test_repeating_it_changes_nothing(patients: str, settings: Settings) -> None:
    settings.FIELD_KEYS = [_item("new"), *settings.FIELD_KEYS]
    assert rotate_all(patients) >= ROWS
    assert rotate_all(patients) == 0


def test_an_unreadable_value_stops_it_and_keeps_the_old_key_required(patients: str, settings: Settings) -> None:
    with connections[patients].cursor() as cursor:
        cursor.execute("UPDATE patients_patient SET phone = 'old:AAAA' WHERE email <> '' AND phone <> ''")
    settings.FIELD_KEYS = [_item("new"), *settings.FIELD_KEYS]
    with pytest.raises(DecryptionError):
        rotate_all(patients)
    assert KeyUse.objects.using(patients).filter(pk="old").exists()


def test_registered_rotators_take_part(fresh_sqlite: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(rotation, "_rotators", {})
    rotation.register_rotator("other.Place", lambda using: asked.append(using) or 3)  # type: ignore[func-returns-value]
    assert rotate_all(fresh_sqlite) == 3
    assert asked == [fresh_sqlite]


def test_it_finds_the_encrypted_fields_of_all_apps() -> None:
    found = {f"{model._meta.label}.{field.name}" for model, fields in encrypted_fields() for field in fields}
    assert found >= {
        "audit.PseudonymKey.key",
        "patients.Patient.email",
        "patients.Patient.phone",
        "patients.PatientRelation.contact",
        "rooms.Participant.location",
        "rooms.NoteVersion.text",
    }
