"""The demo's group visit: a patient, her brother and an interpreter. It can start at once, as links to it are good from now."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from consultations.clinics.models import Clinic
from consultations.demo.actions.seed import CLINIC_NAME, Planned, bring_to_now, visit_types
from consultations.demo.people import ROLES
from consultations.practitioners.models import Practitioner
from consultations.rooms.actions.guests import invite_participant
from consultations.rooms.actions.links import mint_link
from consultations.rooms.models import JoinLink, Participant
from telemed.accounts.models import User

PLANNED = Planned("Yasmin Demir", timedelta(minutes=245), "Family meeting")
GUESTS = ((Participant.Role.INTERPRETER, "Elif Kaya"), (Participant.Role.RELATIVE, "Emre Demir"))


@transaction.atomic
def seed_group() -> dict[str, str]:
    """Make the group visit, or move it to today, and return a fresh join token by role. Called after `seed`."""
    if not settings.DEMO:
        raise RuntimeError("the demo's people may exist in the demo only (SEC-16)")
    clinic = Clinic.objects.get(name=CLINIC_NAME)
    doctor = User.objects.get(email=ROLES["practitioner"])
    practitioner = Practitioner.objects.get(user=doctor)
    now = timezone.now().replace(second=0, microsecond=0)
    appointment = bring_to_now(PLANNED, clinic, practitioner, visit_types(clinic), now)
    room = appointment.room
    patient = Participant.objects.get(room=room, role=Participant.Role.PATIENT)
    tokens = {str(Participant.Role.PATIENT): mint_link(patient, acting_user=None)}
    for role, name in GUESTS:
        seat = Participant.objects.filter(room=room, role=role).first()
        if seat is None:
            tokens[str(role)] = invite_participant(room, role=role, name=name, acting_user=doctor).token
        else:
            tokens[str(role)] = mint_link(seat, acting_user=None)
    JoinLink.objects.filter(participant__room=room).update(valid_from=now)
    return tokens
