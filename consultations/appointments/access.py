"""The only way from an outside code to an appointment."""

from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404

from consultations.appointments.models import Appointment
from consultations.clinics.access import SCHEDULERS, Role, clinics_of


def visible_appointments(user: Any) -> QuerySet[Appointment]:
    """Return what the user may see: a scheduler everything of the clinic; a practitioner their own and the team's."""
    scheduling = clinics_of(user, *SCHEDULERS).order_by().values("pk")
    treating = clinics_of(user, Role.PRACTITIONER).order_by().values("pk")
    mine_or_open = Q(practitioner__isnull=True) | Q(practitioner__user_id=user.pk)
    return Appointment.objects.filter(
        Q(clinic__in=scheduling) | (Q(clinic__in=treating) & mine_or_open)
    ).select_related("clinic", "patient", "practitioner__user", "visit_type", "care_thread")


def get_appointment_for(user: Any, public_id: str) -> Appointment:
    """Return the appointment of that public id, or raise Http404 when the user may not know that it exists."""
    appointment = visible_appointments(user).filter(public_id=public_id).first()
    if appointment is None:
        raise Http404
    return appointment
