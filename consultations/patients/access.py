"""The only way from an outside code, or a search, to a patient. Every read here leaves a trace in the audit log."""

from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.http import Http404

from consultations.clinics.access import clinics_of
from consultations.clinics.models import Clinic
from consultations.patients.contact import EMAIL_PURPOSE, PHONE_PURPOSE, normalise_email, normalise_phone
from consultations.patients.models import Patient
from telemed import audit
from telemed.vault.index import blind_index

SEARCH_LIMIT = 20


def visible_patients(user: Any) -> QuerySet[Patient]:
    """Return the patients of every clinic the user works in. Reading one of them is audited by whoever shows it."""
    return Patient.objects.filter(clinic__in=clinics_of(user).order_by()).select_related("clinic")


@transaction.atomic
def get_patient_for(user: Any, public_id: str, *, purpose: str) -> Patient:
    """Return the patient and record the read (`purpose`: the page, such as "booking"); raise Http404 if not the user's."""
    patient = visible_patients(user).filter(public_id=public_id).first()
    if patient is None:
        raise Http404
    record_read(patient, acting_user=user, purpose=purpose)
    return patient


def record_read(patient: Patient, *, acting_user: Any, purpose: str) -> None:
    """Write that somebody saw this patient's data. Call it inside the transaction of the read."""
    audit.record(
        "patient.read",
        actor=acting_user,
        clinic=patient.clinic.public_id,
        subject=patient.public_id,
        details={"purpose": purpose},
    )


@transaction.atomic
def record_read_alone(patient: Patient, *, acting_user: Any, purpose: str) -> None:
    """`record_read` in a transaction of its own, for a page that only reads."""
    record_read(patient, acting_user=acting_user, purpose=purpose)


@transaction.atomic
def find_patients(clinic: Clinic, text: str, *, acting_user: Any) -> list[Patient]:
    """Return up to SEARCH_LIMIT patients of the clinic whose name contains `text`, or whose e-mail or phone equals it.

    Contact details are encrypted, so they match only as a whole. One audit entry per person found.
    """
    text = text.strip()
    if len(text) < 2 or not clinics_of(acting_user).filter(pk=clinic.pk).exists():
        return []
    everybody = Patient.objects.filter(clinic=clinic).select_related("clinic").order_by("name", "id")
    if "@" in text:
        found = everybody.filter(email_index=blind_index(normalise_email(text), EMAIL_PURPOSE))
    elif any(character.isdigit() for character in text):
        try:
            found = everybody.filter(phone_index=blind_index(normalise_phone(text), PHONE_PURPOSE))
        except ValueError:
            found = everybody.filter(name__icontains=text)
    else:
        found = everybody.filter(name__icontains=text)
    patients = list(found[:SEARCH_LIMIT])
    for patient in patients:
        record_read(patient, acting_user=acting_user, purpose="search")
    return patients


def find_same_person(clinic: Clinic, *, name: str, email: str = "", phone: str = "") -> Patient | None:
    """Return the clinic's patient with this name and this e-mail or phone, if there is exactly one.

    Families share mailboxes and telephones, so a contact alone never decides who somebody is.
    """
    candidates = Patient.objects.none()
    if email:
        candidates |= Patient.objects.filter(
            clinic=clinic, email_index=blind_index(normalise_email(email), EMAIL_PURPOSE)
        )
    if phone:
        candidates |= Patient.objects.filter(
            clinic=clinic, phone_index=blind_index(normalise_phone(phone), PHONE_PURPOSE)
        )
    wanted = " ".join(name.split()).casefold()
    same = [patient for patient in candidates.distinct()[:50] if " ".join(patient.name.split()).casefold() == wanted]
    return same[0] if len(same) == 1 else None
