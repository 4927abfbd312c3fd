"""From the role in the address to the demo's person."""

from django.conf import settings
from django.http import Http404
from django.utils import timezone

from consultations.appointments.models import Appointment
from consultations.demo.people import ROLES
from consultations.rooms.models import Room
from telemed.accounts.models import User

_TO_COME = (Appointment.Status.BOOKED, Appointment.Status.ARRIVED, Appointment.Status.IN_VISIT)


def get_demo_user(role: str) -> User:
    """Return the person who plays the role; Http404 for an unknown role, and for any outside the demo."""
    if not settings.DEMO or role not in ROLES:
        raise Http404
    user = User.objects.filter(email=ROLES[role], is_active=True).first()
    if user is None:
        raise Http404
    return user


def find_next_visit(user: User) -> str:
    """Return the code of the practitioner's earliest visit that is not over, '' when the day is done."""
    visits = Room.objects.filter(
        appointment__practitioner__user=user, appointment__ends_at__gt=timezone.now(), appointment__status__in=_TO_COME
    )
    return visits.order_by("appointment__starts_at").values_list("code", flat=True).first() or ""
