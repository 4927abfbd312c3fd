"""The cast: the same few people play in every test.

anna   practitioner of Harbour Clinic          carl   her colleague there
paul   her patient                             nora   another patient of hers
adam   clinic admin of Harbour Clinic          ivy    assistant of Harbour Clinic
sara   practitioner of Hill Clinic, a stranger pete   sara's patient
"""

from dataclasses import dataclass
from datetime import timedelta

from django.test import Client
from django.utils import timezone

from consultations.appointments.models import VisitType
from consultations.clinics.models import Clinic, Membership
from consultations.patients.models import Patient
from consultations.practitioners.models import Practitioner
from telemed.accounts.models import User

PASSWORD = "a long enough password 7"


@dataclass
class Cast:
    harbour: Clinic
    hill: Clinic
    anna: User
    carl: User
    ivy: User
    adam: User
    sara: User
    paul: Patient
    nora: Patient
    pete: Patient
    talk: VisitType
    hill_talk: VisitType


def _user(email: str, name: str, **fields: object) -> User:
    return User.objects.create_user(email, PASSWORD, name=name, **fields)


def _practitioner(user: User, clinic: Clinic, number: str) -> None:
    Practitioner.objects.create(user=user, title="Dr", registration_number=number, registration_body="Medical Chamber")
    Membership.objects.create(user=user, clinic=clinic, role=Membership.Role.PRACTITIONER)


def make_cast() -> Cast:
    """Create the two clinics and everybody in them."""
    harbour = Clinic.objects.create(name="Harbour Clinic", phone="+49 30 1234567", time_zone="Europe/Berlin")
    hill = Clinic.objects.create(
        name="Hill Clinic", phone="+1 212 555 0100", time_zone="America/New_York", profile="hipaa"
    )
    anna, carl = _user("anna@harbour.example", "Anna Abel"), _user("carl@harbour.example", "Carl Cook")
    ivy, sara = _user("ivy@harbour.example", "Ivy Irving"), _user("sara@hill.example", "Sara Stone")
    adam = _user("adam@harbour.example", "Adam Ade", is_staff=True)
    _practitioner(anna, harbour, "A-100")
    _practitioner(carl, harbour, "C-300")
    _practitioner(sara, hill, "S-900")
    Membership.objects.create(user=ivy, clinic=harbour, role=Membership.Role.ASSISTANT)
    Membership.objects.create(user=adam, clinic=harbour, role=Membership.Role.CLINIC_ADMIN)
    return Cast(
        harbour=harbour,
        hill=hill,
        anna=anna,
        carl=carl,
        ivy=ivy,
        adam=adam,
        sara=sara,
        paul=Patient.objects.create(clinic=harbour, name="Paul Peters", email="paul@mail.example", phone="+49 170 1"),
        nora=Patient.objects.create(clinic=harbour, name="Nora Niles", email="nora@mail.example", phone="+49 170 2"),
        pete=Patient.objects.create(clinic=hill, name="Pete Poole", email="pete@mail.example", phone="+1 212 555 0199"),
        talk=VisitType.objects.create(clinic=harbour, name="Talk", duration_minutes=20, buffer_minutes=5),
        hill_talk=VisitType.objects.create(clinic=hill, name="Talk", duration_minutes=20, buffer_minutes=5),
    )


def soon(minutes: int = 0):
    """Return the next whole minute, plus `minutes`."""
    return (timezone.now() + timedelta(minutes=minutes + 1)).replace(second=0, microsecond=0)


def login(user: User) -> Client:
    """Return a client that signed in as `user`, second factor included."""
    from telemed.accounts.testing import sign_in

    client = Client()
    sign_in(client, user)
    return client
