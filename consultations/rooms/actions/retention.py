"""What is forgotten, and when (PRIV-4): the traces of a call go after `Clinic.retention_days`, at most 85 days.

Gone are how it was connected and how well, from which devices, by which links, when people came and went, where they were and how
to reach them, and what was sent about it. What stays is the record: the appointment as it was agreed and how it ended,
the consents, the notes (§ 630f BGB: ten years) and the pseudonymous audit log.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet

from consultations.appointments.models import StatusChange
from consultations.clinics.models import Clinic
from consultations.outbox.models import Message
from consultations.rooms.models import JoinLink, Participant, QualitySample, Room, RouteDecision, SeatDevice
from telemed import audit


def purge_call_metadata(now: datetime) -> int:
    """Forget the calls whose time has come, in every clinic. Idempotent. Return how many visits lost their traces."""
    return sum(_purge_clinic(clinic, now - timedelta(days=clinic.retention_days)) for clinic in Clinic.objects.all())


def _purge_clinic(clinic: Clinic, before: datetime) -> int:
    due = Room.objects.filter(appointment__clinic=clinic, appointment__ends_at__lt=before)
    pks = list(_with_traces(due).values_list("pk", flat=True))
    # One visit at a time: a short lock each, and a crash loses nothing that the next run would not do.
    for pk in pks:
        _forget(pk, clinic)
    return len(pks)


def _with_traces(rooms: QuerySet[Room]) -> QuerySet[Room]:
    """Rooms are emptied whole, so the links, which every room has, tell whether it was done."""
    return rooms.filter(participants__links__isnull=False).distinct()


@transaction.atomic
def _forget(room_pk: int, clinic: Clinic) -> None:
    room = Room.objects.select_for_update(of=("self",)).select_related("appointment").get(pk=room_pk)
    RouteDecision.objects.filter(room=room).delete()
    QualitySample.objects.filter(room=room).delete()
    SeatDevice.objects.filter(participant__room=room).delete()
    Message.objects.filter(clinic=clinic, subject=room.appointment.public_id).delete()
    StatusChange.objects.filter(appointment=room.appointment).delete()
    Participant.objects.filter(room=room).update(
        location="",
        callback_number="",
        emergency_contact="",
        contact="",
        details_confirmed_at=None,
        device_check={},
        arrived_at=None,
        admitted_at=None,
        left_at=None,
        server_answer="",
    )
    room.route, room.route_reasons = "", []
    room.opened_at = room.live_at = room.ended_at = None
    room.save(update_fields=["route", "route_reasons", "opened_at", "live_at", "ended_at"])
    JoinLink.objects.filter(participant__room=room).delete()
    audit.record("room.metadata_purged", clinic=clinic.public_id, object=f"room:{room.code}")
