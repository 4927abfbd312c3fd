"""Every write to patients."""

from datetime import date

from django.db import transaction

from consultations.clinics.models import Clinic
from consultations.patients.contact import EMAIL_PURPOSE, PHONE_PURPOSE, normalise_email, normalise_phone
from consultations.patients.models import Patient
from telemed import audit
from telemed.accounts.models import User
from telemed.vault.index import blind_index


@transaction.atomic
def create_patient(
    clinic: Clinic,
    *,
    name: str,
    email: str = "",
    phone: str = "",
    birth_date: date | None = None,
    language: str = "",
    time_zone: str = "",
    acting_user: User | None,
) -> Patient:
    """Add a person to the clinic. Raise ValueError for a phone number that cannot be one."""
    email, phone = normalise_email(email), normalise_phone(phone)
    patient = Patient.objects.create(
        clinic=clinic,
        name=" ".join(name.split()),
        birth_date=birth_date,
        language=language or clinic.default_language,
        time_zone=time_zone,
        email=email,
        phone=phone,
        email_index=blind_index(email, EMAIL_PURPOSE),
        phone_index=blind_index(phone, PHONE_PURPOSE),
    )
    audit.record("patient.created", actor=acting_user, clinic=clinic.public_id, subject=patient.public_id)
    return patient


@transaction.atomic
def change_contact(patient: Patient, *, email: str, phone: str, language: str, acting_user: User | None) -> None:
    """Store new contact details together with their indexes. Raise ValueError for an impossible phone number."""
    patient.email, patient.phone, patient.language = normalise_email(email), normalise_phone(phone), language
    patient.email_index = blind_index(patient.email, EMAIL_PURPOSE)
    patient.phone_index = blind_index(patient.phone, PHONE_PURPOSE)
    patient.save(update_fields=["email", "phone", "language", "email_index", "phone_index"])
    audit.record(
        "patient.contact_changed", actor=acting_user, clinic=patient.clinic.public_id, subject=patient.public_id
    )
