"""A participant's copy: asked for on their page after the visit, answered by the practice or by the clinic's setting.

What is in it: the person's own picture and sound, and the combined file if there is one, whose text says so. Never another
person's own file (GDPR Art. 15(4)).
"""

from django.db import transaction
from django.utils import timezone

from consultations.recordings import copies
from consultations.recordings.access import copy_files
from consultations.recordings.actions.steps import FORBIDDEN, lock_recording, record
from consultations.recordings.actions.telling import tell
from consultations.recordings.models import CopyRequest, Recording
from consultations.rooms.actions.people import lock_room, seat_in
from consultations.rooms.models import Participant
from consultations.rooms.refusals import Refused
from telemed.accounts.models import User


@transaction.atomic
def ask_for_copy(recording: Recording, seat: Participant) -> CopyRequest:
    """Ask, or return what is asked or given already. The caller has checked whose recording it is. Raises Refused."""
    room = lock_room(recording.room_id)
    recording = lock_recording(recording.pk)
    recording.room = room
    if not room.appointment.clinic.allows_capture:
        raise Refused(FORBIDDEN, status=403)
    if not copy_files(recording, seat.public_id):
        raise Refused("copy_nothing")
    now = timezone.now()
    existing = recording.copies.filter(person=seat.public_id).first()
    if existing is not None and copies.standing(existing.state, existing.until, now) in {copies.ASKED, "ready"}:
        return existing
    request = CopyRequest.objects.create(recording=recording, person=seat.public_id, asked_at=now)
    automatic = room.appointment.clinic.copies_automatic
    if automatic:
        _answer(request, recording, copies.GRANTED, None)
    record("recording.copy_asked", recording, acting_seat=seat.public_id, copy=request.public_id, automatic=automatic)
    return request


@transaction.atomic
def decide_copy(request: CopyRequest, give: bool, *, acting_user: User) -> None:
    """Give the copy, or do not; the person is written to. The caller has checked the right. Raises Refused for a request
    that was answered otherwise; the same answer again changes nothing."""
    room = lock_room(request.recording.room_id)
    recording = lock_recording(request.recording_id)
    recording.room = room
    request = CopyRequest.objects.get(pk=request.pk)
    state = copies.GRANTED if give else copies.REFUSED
    if request.state == state:
        return
    if request.state != copies.ASKED:
        raise Refused("copy_decided")
    if give and not room.appointment.clinic.allows_capture:
        raise Refused(FORBIDDEN, status=403)
    if give and not copy_files(recording, request.person):
        raise Refused("copy_nothing")
    _answer(request, recording, state, acting_user)
    record(
        "recording.copy_given" if give else "recording.copy_refused",
        recording,
        acting_user=acting_user,
        copy=request.public_id,
    )
    tell(seat_in(room, request.person), "visit_copy", acting_user=acting_user)


def _answer(request: CopyRequest, recording: Recording, state: str, acting_user: User | None) -> None:
    now = timezone.now()
    request.state, request.decided_at, request.decided_by = state, now, acting_user
    if state == copies.GRANTED:
        request.until = copies.good_until(now, recording.keep_until, on_hold=recording.legal_hold)
    request.save(update_fields=["state", "decided_at", "decided_by", "until"])
