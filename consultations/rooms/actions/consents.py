"""What people say in the visit about being captured (PRIV-3). Each for themselves, and a no is never argued with."""

from datetime import date

from django.db import transaction
from django.utils import timezone

from consultations.appointments.models import Appointment
from consultations.consent.access import current_text, languages_for, latest_decision
from consultations.consent.actions import record_decision, withdraw
from consultations.consent.capacity import may_decide
from consultations.rooms import lifecycle
from consultations.rooms.actions.people import lock_room, record, room_changed, seat_in
from consultations.rooms.actions.routing import choose_route, weigh_route
from consultations.rooms.actions.visit import lock_staff_seat, require_inside
from consultations.rooms.models import Participant, Room
from consultations.rooms.recorder.port import recordings
from consultations.rooms.refusals import Refused
from media_routing.api import ServerRefusal
from telemed.accounts.models import User

FORBIDDEN = "recording_forbidden_by_profile"


def answer_capture(
    participant: Participant,
    *,
    purpose: str,
    decision: str,
    version: int = 0,
    capacity: str = "self",
    acting_user: User | None = None,
) -> None:
    """Keep this person's answer: granted, refused or withdrawn. Raises Refused.

    `version` is that of the text they saw; granting needs it. Under the kbv profile nobody is asked, and a yes is refused
    and written down (PRIV-1).
    """
    code = _answer(participant, purpose, decision, version, capacity, acting_user)
    if code:
        raise Refused(code, status=403)


@transaction.atomic
def _answer(
    participant: Participant, purpose: str, decision: str, version: int, capacity: str, acting_user: User | None
) -> str:
    room = lock_room(participant.room_id)
    seat = seat_in(room, participant.public_id)
    appointment = room.appointment
    before = latest_decision(appointment, seat.public_id, purpose)
    granted = before is not None and before.decision == "granted" and before.withdrawn_at is None
    if decision == "granted":
        if not appointment.clinic.allows_capture:
            record(
                "consent.granted", seat, acting_user=acting_user, outcome="refused", reason=FORBIDDEN, purpose=purpose
            )
            return FORBIDDEN
        if granted:
            return ""
        _grant(room, seat, purpose, version, capacity)
    elif before is not None and granted:
        withdraw(before, acting_seat=seat.public_id)
        recordings().withdraw(room, seat.public_id, purpose)
    elif decision == "refused":
        text = current_text(purpose, languages_for(seat.language, appointment.clinic.default_language))
        if text is None or not appointment.clinic.allows_capture:
            return ""
        record_decision(appointment, text=text, decision="refused", capacity=capacity, acting_seat=seat.public_id)
    else:
        return ""
    room_changed(room)
    follow_consents(room)
    return ""


def follow_consents(room: Room) -> None:
    """A consent changed: what depends on it begins, pauses or stops, and the media take the way that this needs."""
    if recordings().settle(room) and room.state == lifecycle.LIVE:
        choose_route(room, trigger="recording")


def _grant(room: Room, seat: Participant, purpose: str, version: int, capacity: str) -> None:
    inside = room.state == lifecycle.LIVE and seat.state == lifecycle.ADMITTED
    if not inside and (
        seat.state == lifecycle.REMOVED or purpose not in recordings().asked_afterwards(room, seat.public_id)
    ):
        raise Refused("not_admitted")
    appointment = room.appointment
    text = current_text(purpose, languages_for(seat.language, appointment.clinic.default_language))
    if text is None or version != text.version:
        raise Refused("old_text")
    if not may_decide(capacity, _birth_date(appointment, seat), timezone.localdate()):
        raise Refused("guardian_needed")
    record_decision(appointment, text=text, decision="granted", capacity=capacity, acting_seat=seat.public_id)


def _birth_date(appointment: Appointment, seat: Participant) -> date | None:
    return appointment.patient.birth_date if seat.role == Participant.Role.PATIENT else None


def request_recording(participant: Participant, *, acting_user: User, server_refusal: ServerRefusal = "") -> None:
    """Ask everybody who is inside whether they may be recorded, whoever asks it too.

    Raises Refused. What forbids it by profile or privacy class is written down (PRIV-1).
    """
    code = _request(participant, acting_user, server_refusal)
    if code:
        raise Refused(code, status=403)


@transaction.atomic
def _request(participant: Participant, acting_user: User, server_refusal: ServerRefusal) -> str:
    room, own = lock_staff_seat(participant, acting_user)
    require_inside(own)
    decision = weigh_route(room, server_refusal=server_refusal, recording=True)
    if decision.refusal:
        reason = decision.reasons[0].code
        record("recording.requested", own, acting_user=acting_user, outcome="refused", reason=reason)
        return reason
    if room.state != lifecycle.LIVE:
        raise Refused("recording_needs_two")
    room_changed(room)
    recordings().request(own, acting_user=acting_user)
    follow_consents(room)
    return ""


@transaction.atomic
def stop_recording(participant: Participant, *, acting_user: User) -> None:
    """End the recording, or take the question back. The visit goes on where it is."""
    room, own = lock_staff_seat(participant, acting_user)
    require_inside(own)
    room_changed(room)
    recordings().stop(own, acting_user=acting_user)
