"""What both databases refuse by themselves, whoever writes, and however (PRIV-1, PRIV-7)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, connections
from django.utils import timezone

from tests.databases import connected, migrated_postgres, migrated_sqlite


@pytest.fixture(params=["sqlite", "postgresql"])
def alias(request: pytest.FixtureRequest, tmp_path: Path, django_db_blocker: Any) -> Iterator[str]:
    url = migrated_sqlite(tmp_path) if request.param == "sqlite" else migrated_postgres()
    with django_db_blocker.unblock(), connected(url) as name:
        yield name


def insert(alias: str, table: str, **values: object) -> int:
    """A row in plain SQL, as somebody with the database's password would write it. NULL and defaults are given by name."""
    columns = ", ".join(f'"{name}"' for name in values)
    marks = ", ".join(["%s"] * len(values))
    with connections[alias].cursor() as cursor:
        cursor.execute(f"INSERT INTO {table} ({columns}) VALUES ({marks}) RETURNING id", list(values.values()))
        return int(cursor.fetchone()[0])


def make_room(alias: str, profile: str) -> dict[str, int]:
    """A visit with everything it needs, by the models: their defaults are not what is tested here."""
    from datetime import timedelta

    from consultations.appointments.models import Appointment, CareThread, VisitType
    from consultations.clinics.models import Clinic
    from consultations.patients.models import Patient
    from consultations.rooms.models import Room
    from telemed.accounts.models import User

    clinic = Clinic.objects.using(alias).create(name="Harbour", phone="1", profile=profile)
    patient = Patient.objects.using(alias).create(clinic=clinic, name="Paul")
    kind = VisitType.objects.using(alias).create(clinic=clinic, name="Talk", duration_minutes=20)
    now = timezone.now()
    thread = CareThread.objects.using(alias).create(clinic=clinic, patient=patient)
    appointment = Appointment.objects.using(alias).create(
        clinic=clinic, patient=patient, visit_type=kind, care_thread=thread, starts_at=now,
        ends_at=now + timedelta(minutes=20), blocks_until=now + timedelta(minutes=20), zone="UTC",
    )  # fmt: skip
    room = Room.objects.using(alias).create(appointment=appointment)
    user = User(email=f"anna@{profile}.example", name="Anna")
    user.save(using=alias)
    return {"room_id": room.pk, "requested_by_id": user.pk, "appointment": appointment.pk, "clinic": clinic.pk}


def recording(alias: str, ids: dict[str, int], name: str, state: str = "complete") -> int:
    now = timezone.now()
    return insert(
        alias, "recordings_recording", public_id=name.ljust(22, "0"), room_id=ids["room_id"],
        requested_by_id=ids["requested_by_id"], state=state, end_reason="", requested_at=now, changed_at=now,
        wrapped_key="", legal_hold=False,
    )  # fmt: skip


def run(alias: str, sql: str, *values: object) -> None:
    with connections[alias].cursor() as cursor:
        cursor.execute(sql, list(values))


def test_no_row_comes_into_a_clinic_under_the_kbv_profile(alias: str) -> None:
    kbv, gdpr = make_room(alias, "kbv"), make_room(alias, "gdpr")
    with pytest.raises(IntegrityError):
        recording(alias, kbv, "never")
    kept = recording(alias, gdpr, "control")
    with pytest.raises(IntegrityError):
        run(alias, "UPDATE recordings_recording SET room_id = %s WHERE id = %s", kbv["room_id"], kept)
    run(alias, "UPDATE clinics_clinic SET profile = 'kbv' WHERE id = %s", gdpr["clinic"])
    with pytest.raises(IntegrityError):
        run(alias, "UPDATE recordings_recording SET state = 'running' WHERE id = %s", kept)
    with pytest.raises(IntegrityError):
        insert(
            alias, "recordings_track", recording_id=kept, public_id="t" * 22, person="p", file_name="f", content_type="",
            number=1, duration_ms=0, size_bytes=0, sha256="", complete=False,
        )  # fmt: skip
    run(alias, "UPDATE recordings_recording SET deleted_at = changed_at WHERE id = %s", kept)


def test_no_yes_to_being_captured_is_stored_there_either(alias: str) -> None:
    for profile, may in (("kbv", False), ("gdpr", True)):
        ids = make_room(alias, profile)
        with connections[alias].cursor() as cursor:
            cursor.execute("SELECT id FROM consent_consenttext WHERE purpose = 'recording' AND language = 'en'")
            text = cursor.fetchone()[0]
        row = {"appointment_id": ids["appointment"], "person": "p", "text_id": text, "decision": "granted"}
        row |= {"capacity": "self", "decided_at": timezone.now(), "shown_sha256": "0" * 64}
        if may:
            insert(alias, "consent_consentrecord", purpose="recording", **row)
        else:
            with pytest.raises(IntegrityError):
                insert(alias, "consent_consentrecord", purpose="recording", **row)
        insert(alias, "consent_consentrecord", purpose="treatment", **row)
