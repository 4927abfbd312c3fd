"""How much time a practitioner has from some moment on. Reads only; the database has the last word (rules.py)."""

from datetime import datetime, timedelta

from consultations.appointments.errors import SlotTaken
from consultations.appointments.lifecycle import BLOCKING
from consultations.appointments.models import Appointment
from consultations.practitioners.models import Practitioner

SHORTEST_VISIT = timedelta(minutes=5)


def free_end(practitioner: Practitioner, starts_at: datetime, wanted: timedelta) -> datetime:
    """Return when a visit that starts at `starts_at` must end: after `wanted`, or when the next one begins.

    Raises SlotTaken when fewer than SHORTEST_VISIT are free. One query.
    """
    following = (
        Appointment.objects.filter(
            practitioner=practitioner, status__in=BLOCKING, blocks_until__gt=starts_at, starts_at__lt=starts_at + wanted
        )
        .order_by("starts_at")
        .values_list("starts_at", flat=True)
        .first()
    )
    ends_at = starts_at + wanted if following is None else following
    if ends_at - starts_at < SHORTEST_VISIT:
        raise SlotTaken
    return ends_at
