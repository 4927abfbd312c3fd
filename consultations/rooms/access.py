"""The only way from an outside code, cookie or token to a seat in a visit."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Q, QuerySet
from django.http import Http404
from django.utils import timezone

from consultations.appointments.models import Appointment
from consultations.clinics.access import Role, clinics_of, has_role
from consultations.rooms.models import JoinLink, Participant, Room, SeatDevice
from consultations.rooms.refusals import Refused
from telemed.lib.ids import token_hash

_STAFF_SEATS = (Participant.Role.PRACTITIONER, Participant.Role.COLLEAGUE)
_MAX_SECRET_CHARS = 64
# ASVS 6.5.5: clocks of phones and servers differ a little.
CLOCK_SKEW = timedelta(seconds=120)


def find_staff_seat(user: Any, code: str) -> Participant | None:
    """Return the seat that a user who treats patients in this clinic holds in the visit. Two queries."""
    if not user.is_authenticated or not user.is_active:
        return None
    seat = (
        Participant.objects.select_related(
            "room__appointment__clinic",
            "room__appointment__patient",
            "room__appointment__visit_type",
            "room__appointment__practitioner__user",
        )
        .filter(room__code=code, user=user, role__in=_STAFF_SEATS)
        .exclude(state=Participant.State.REMOVED)
        .first()
    )
    if seat is None or not has_role(user, seat.room.appointment.clinic, Role.PRACTITIONER):
        return None
    return seat


def get_staff_seat(user: Any, code: str) -> Participant:
    """`find_staff_seat`, or Http404: "not yours" and "does not exist" look the same (SEC-3)."""
    seat = find_staff_seat(user, code)
    if seat is None:
        raise Http404
    return seat


def require_staff_seat(user: Any, code: str) -> Participant:
    """`find_staff_seat`, or Refused as a background request wants it: 401 instead of the sign-in form."""
    seat = find_staff_seat(user, code)
    if seat is None:
        if not user.is_authenticated:
            raise Refused("not_signed_in", status=401)
        raise Refused("unknown_visit", status=404)
    return seat


def visits_with_story(user: Any) -> QuerySet[Room]:
    """Return the visits whose connection the user may look into: those they had a staff's seat in; a clinic admin all."""
    clinic = "appointment__clinic__in"
    treating = Q(**{clinic: clinics_of(user, Role.PRACTITIONER).order_by().values("pk")})
    keeping = Q(**{clinic: clinics_of(user, Role.CLINIC_ADMIN).order_by().values("pk")})
    seats = Participant.objects.filter(user=user if user.is_authenticated else None, role__in=_STAFF_SEATS)
    mine = Q(pk__in=seats.exclude(state=Participant.State.REMOVED).values("room"))
    return Room.objects.filter((mine & treating) | keeping).select_related(
        "appointment__clinic", "appointment__patient", "appointment__visit_type"
    )


def get_story_room(user: Any, code: str) -> Room:
    """Return the visit of that code for the story of its path, else Http404 (SEC-3)."""
    room = visits_with_story(user).filter(code=code).first()
    if room is None:
        raise Http404
    return room


def cookie_name(code: str) -> str:
    """One cookie per visit: a browser may hold several seats, and its staff session beside them."""
    return f"{settings.SEAT_COOKIE_PREFIX}{code}"


def find_device(cookies: Mapping[str, str], code: str) -> SeatDevice | None:
    """Return the device that this browser's cookie proves, if it may still be used. One query.

    Idle devices are logged off, but never while their person is in the visit (SEC-14).
    """
    device = find_known_device(cookies, code)
    if device is None or device.state == SeatDevice.State.REVOKED or is_idle(device):
        return None
    return None if device.participant.state == Participant.State.REMOVED else device


def find_known_device(cookies: Mapping[str, str], code: str) -> SeatDevice | None:
    """Return the cookie's device in whatever state it and its person are. One query."""
    secret = cookies.get(cookie_name(code), "")
    if not secret or len(secret) > _MAX_SECRET_CHARS:
        return None
    return (
        SeatDevice.objects.select_related(
            "participant__room__appointment__clinic",
            "participant__room__appointment__patient",
            "participant__room__appointment__visit_type",
            "participant__room__appointment__practitioner__user",
        )
        .filter(secret_hash=token_hash(secret), participant__room__code=code)
        .first()
    )


def is_idle(device: SeatDevice) -> bool:
    """Return whether the device was unused for too long; see `idle`."""
    return idle(device.last_used_at, device.participant.state, device.participant.room.state)


def idle(last_used_at: datetime, seat_state: str, room_state: str) -> bool:
    """Return whether a device is logged off by now; while its person is in a live visit it never is (SEC-14)."""
    if seat_state == Participant.State.ADMITTED and room_state == Room.State.LIVE:
        return False
    return timezone.now() - last_used_at > timedelta(seconds=settings.SEAT_IDLE_LOGOFF_S)


def find_link(token: str) -> JoinLink | None:
    """Return the link of a raw token, also when it was revoked or is out of its time: the caller says so. One query."""
    if not token or len(token) > _MAX_SECRET_CHARS or not token.isascii():
        return None
    return (
        JoinLink.objects.select_related(
            "participant__room__appointment__clinic",
            "participant__room__appointment__patient",
            "participant__room__appointment__visit_type",
            "participant__room__appointment__practitioner__user",
        )
        .filter(token_hash=token_hash(token))
        .exclude(participant__state=Participant.State.REMOVED)
        .first()
    )


def link_status(link: JoinLink) -> str:
    """Return `early`, `open`, `late`, `ended`, `cancelled`, or `revoked` for a link that a newer one replaced."""
    room, now = link.participant.room, timezone.now()
    if room.appointment.status == "cancelled":
        return "cancelled"
    if link.revoked_at is not None:
        return "revoked"
    if link.kind == JoinLink.Kind.JOIN and room.state == Room.State.ENDED:
        return "ended"
    if now < link.valid_from - CLOCK_SKEW:
        return "early"
    return "open" if now <= link.valid_until + CLOCK_SKEW else "late"


def is_used_up(link: JoinLink, cookies: Mapping[str, str]) -> bool:
    """Return whether a one-time link was opened before, and not by this browser. One query, or none."""
    if not link.one_time or link.redeemed_at is None:
        return False
    known = find_known_device(cookies, link.participant.room.code)
    return known is None or known.participant_id != link.participant_id or known.state == SeatDevice.State.REVOKED


def find_seat_in(room: Room, public_id: str) -> Participant | None:
    """Return a seat of this very room; ids of other rooms do not exist here."""
    return Participant.objects.filter(room=room, public_id=public_id).first()


def get_patient_seat(appointment: Appointment) -> Participant:
    """Return the patient's seat of an appointment that the caller may see; Http404 when it has no room."""
    seat = (
        Participant.objects.select_related(
            "room__appointment__clinic", "room__appointment__patient", "room__appointment__practitioner__user"
        )
        .filter(room__appointment=appointment, role=Participant.Role.PATIENT)
        .first()
    )
    if seat is None:
        raise Http404
    return seat


def guests_of(appointment: Appointment) -> list[Participant]:
    """Return who takes part besides patient and practitioner, of an appointment that the caller may see. One query."""
    seats = Participant.objects.filter(room__appointment=appointment).exclude(state=Participant.State.REMOVED)
    return [seat for seat in seats.order_by("pk") if seat.is_guest]


def find_device_of(seat: Participant, public_id: str) -> SeatDevice | None:
    """Return a device that holds, or asks for, this very seat."""
    return SeatDevice.objects.filter(participant=seat, public_id=public_id).first()


def is_in_live_visit(user: Any) -> bool:
    """Return whether a member of staff is in a call: their session must not end now (SEC-14). One query."""
    return Participant.objects.filter(user=user, state=Participant.State.ADMITTED, room__state=Room.State.LIVE).exists()
