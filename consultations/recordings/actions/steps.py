"""What all actions of recordings share: the lock, the table's steps, and the audit entry."""

from datetime import timedelta
from typing import Literal

from django.utils import timezone

from consultations.recordings import lifecycle
from consultations.recordings.models import Recording
from telemed import audit
from telemed.accounts.models import User

FORBIDDEN = "recording_forbidden_by_profile"


def lock_recording(pk: int) -> Recording:
    """Return the recording, locked until the transaction ends. Whoever also locks the room does that first."""
    return (
        Recording.objects.select_for_update(of=("self",))
        .select_related("room__appointment__clinic", "room__appointment__patient")
        .get(pk=pk)
    )


def step(recording: Recording, event: str, *, reason: str = "") -> bool:
    """Move the recording and save it. Return whether anything changed; raise lifecycle.IllegalStep."""
    after = lifecycle.next_state(recording.state, event)
    if after == recording.state:
        return False
    now = timezone.now()
    recording.state, recording.changed_at = after, now
    fields = ["state", "changed_at"]
    if after == lifecycle.RUNNING:
        recording.seen_at = now
        fields.append("seen_at")
        if recording.started_at is None:
            recording.started_at = now
            fields.append("started_at")
    if after not in lifecycle.ACTIVE and recording.ended_at is None:
        days = recording.room.appointment.clinic.recording_days
        recording.ended_at, recording.keep_until = now, now + timedelta(days=days)
        recording.end_reason = reason
        fields += ["ended_at", "keep_until", "end_reason"]
    recording.save(update_fields=fields)
    return True


def record(
    event: str,
    recording: Recording,
    *,
    acting_user: User | None = None,
    acting_seat: str = "",
    outcome: Literal["ok", "refused"] = "ok",
    **details: object,
) -> None:
    """Write the audit entry; without `acting_user` the system did it."""
    appointment = recording.room.appointment
    audit.record(
        event,
        actor=acting_user,
        actor_seat="" if acting_user else acting_seat,
        clinic=appointment.clinic.public_id,
        subject=appointment.patient.public_id,
        object=f"recording:{recording.public_id}",
        outcome=outcome,
        details={"room": recording.room.code, **details},
    )
