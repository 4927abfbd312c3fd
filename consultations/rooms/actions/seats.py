"""What a person does with their own seat before and between being in the visit. The actor is the seat itself."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from consultations.appointments import actions as appointment_actions
from consultations.appointments.models import Appointment
from consultations.consent.access import latest_decision
from consultations.consent.actions import record_decision, withdraw
from consultations.consent.models import ConsentText
from consultations.rooms import lifecycle
from consultations.rooms.access import CLOCK_SKEW, find_known_device, is_idle, is_used_up
from consultations.rooms.actions.people import lock_room, missing_consent, move_seat, record, room_changed, seat_in
from consultations.rooms.actions.routing import choose_route
from consultations.rooms.encryption import can_encrypt
from consultations.rooms.models import JoinLink, Participant, SeatDevice
from consultations.rooms.refusals import Refused
from telemed.audit import Private
from telemed.lib.ids import new_token, token_hash

# More than this ask at once: the oldest stops asking. A family has a phone, a tablet and a computer.
MAX_ASKING_DEVICES = 3
# `last_used_at` is written at most this often: a socket pings every 10 s.
USE_GRAIN_S = 60


@dataclass(frozen=True)
class Redeemed:
    """`secret` is the new cookie's value, '' when the browser already holds a good one."""

    device: SeatDevice
    secret: str = field(repr=False, default="")


@transaction.atomic
def redeem_link(link: JoinLink, *, cookies: dict[str, str], label: str) -> Redeemed:
    """Seat this browser, or let it ask for a seat that another browser holds (SEC-6). The link stays good.

    The caller has checked `access.link_status`. Raises Refused("link_used") for a second device with a one-time link. The same browser gets its seat back however often it comes.
    """
    room = lock_room(link.participant.room_id)
    seat = seat_in(room, link.participant.public_id)
    link.refresh_from_db(fields=["redeemed_at"])  # of two that come at once, one is first
    if is_used_up(link, cookies):
        raise Refused("link_used")
    if link.kind == JoinLink.Kind.JOIN and room.state != lifecycle.ENDED and move_seat(seat, "redeem"):
        seat.save(update_fields=["state"])
        room_changed(room)
    now = timezone.now()
    known = find_known_device(cookies, room.code)
    if known is not None and known.participant_id == seat.pk and known.state != SeatDevice.State.REVOKED:
        known.last_used_at = now
        known.save(update_fields=["last_used_at"])
        record("seat.reopened", seat, device_state=known.state)
        return Redeemed(known)
    active = SeatDevice.objects.filter(participant=seat, state=SeatDevice.State.ACTIVE).first()
    if active is not None:
        active.participant = seat
        if is_idle(active):  # logged off: its seat is free for whoever holds the link
            _revoke(active)
            active = None
    secret = new_token()
    device = SeatDevice.objects.create(
        participant=seat,
        secret_hash=token_hash(secret),
        state=SeatDevice.State.ASKING if active else SeatDevice.State.ACTIVE,
        label=label,
    )
    if active:
        _keep_newest_asking(seat)
        room_changed(room)
    if link.redeemed_at is None:
        JoinLink.objects.filter(pk=link.pk).update(redeemed_at=now)
    record("link.redeemed", seat, device_state=device.state)
    return Redeemed(device, secret)


@transaction.atomic
def confirm_details(
    participant: Participant,
    *,
    name: str,
    location: str,
    callback_number: str,
    emergency_name: str,
    emergency_phone: str,
) -> None:
    """Keep where the person is and whom to call, for this visit only (CLIN-1)."""
    room = lock_room(participant.room_id)
    seat = seat_in(room, participant.public_id)
    _refuse_if_over(seat)
    if seat.is_guest and seat.state == lifecycle.ADMITTED and seat.name != name:
        raise Refused("illegal_step")  # they were let in, and introduced, under the other one
    seat.name = name
    seat.location = location
    seat.callback_number = callback_number
    seat.emergency_contact = f"{emergency_name}\n{emergency_phone}"
    seat.details_confirmed_at = timezone.now()
    seat.save(update_fields=["name", "location", "callback_number", "emergency_contact", "details_confirmed_at"])
    room_changed(room)
    record("details.confirmed", seat, location=Private(location))


@transaction.atomic
def record_device_check(participant: Participant, *, check: dict[str, Any], relay_only: bool) -> None:
    """Keep the result for the practitioner, and the person's wish to hide their network address (PRIV-6)."""
    room = lock_room(participant.room_id)
    seat = seat_in(room, participant.public_id)
    _refuse_if_over(seat)
    switched = seat.relay_only != relay_only
    seat.device_check, seat.relay_only = check, relay_only
    seat.save(update_fields=["device_check", "relay_only"])
    if switched and room.state == lifecycle.LIVE:
        choose_route(room, trigger="relay_only_switched")
    room_changed(room)
    record("device_check.recorded", seat, camera=check["camera"], microphone=check["microphone"], relay_only=relay_only)


@transaction.atomic
def answer_consent(participant: Participant, *, text: ConsentText, decision: str, capacity: str) -> None:
    """Keep the person's answer to one text of this visit. A no after a yes withdraws the yes, also after the visit."""
    room = lock_room(participant.room_id)
    seat = seat_in(room, participant.public_id)
    before = latest_decision(room.appointment, seat.public_id, text.purpose)
    granted = before is not None and before.decision == "granted" and before.withdrawn_at is None
    if decision == "granted":
        if granted:
            return
        _refuse_if_over(seat)
    elif room.state == lifecycle.ENDED and not granted:
        return
    room_changed(room)
    if before is not None and granted:
        withdraw(before, acting_seat=seat.public_id)
    else:
        record_decision(room.appointment, text=text, decision=decision, capacity=capacity, acting_seat=seat.public_id)


@transaction.atomic
def start_waiting(participant: Participant) -> None:
    """Sit down in the waiting room, or come back after leaving (docs/PROTOCOL.md "Coming back"). Repeats change nothing.

    Raises Refused while location, call-back number, emergency contact or a consent is missing (CLIN-1).
    """
    room = lock_room(participant.room_id)
    seat = seat_in(room, participant.public_id)
    if room.state == lifecycle.ENDED:
        raise Refused("visit_ended")
    if seat.state == lifecycle.ADMITTED:
        return
    if seat.details_confirmed_at is None:
        raise Refused("details_missing")
    if missing_consent(seat):
        raise Refused("consent_missing")
    until = lifecycle.may_return_until(seat.state, seat.admitted_at, seat.left_at)
    now = timezone.now()
    in_time = until is not None and now <= until + CLOCK_SKEW and room.state == lifecycle.LIVE
    # In a browser that cannot encrypt, one comes in only when the practitioner accepts that.
    if in_time and can_encrypt(seat.device_check):
        move_seat(seat, "come_back")
        seat.left_at, seat.end_reason = None, ""
        seat.save(update_fields=["state", "left_at", "end_reason"])
        choose_route(room, trigger="came_back")
        room_changed(room)
        record("seat.came_back", seat)
        return
    if not move_seat(seat, "wait"):
        return
    seat.arrived_at, seat.left_at, seat.end_reason = now, None, ""
    seat.save(update_fields=["state", "arrived_at", "left_at", "end_reason"])
    room_changed(room, arrived=True)
    if seat.role == Participant.Role.PATIENT and room.appointment.status == Appointment.Status.BOOKED:
        appointment_actions.change_status(room.appointment, Appointment.Status.ARRIVED, acting_seat=seat.public_id)
    record("seat.waiting", seat)


def note_use(device: SeatDevice) -> None:
    """Remember that the device is in use; no more often than USE_GRAIN_S. No audit entry: nothing is decided."""
    now = timezone.now()
    if (now - device.last_used_at).total_seconds() >= USE_GRAIN_S:
        SeatDevice.objects.filter(pk=device.pk).update(last_used_at=now)
        device.last_used_at = now


def note_uses(used: Mapping[int, datetime]) -> None:
    """`note_use` for many: device key -> its `last_used_at`. One query, or none."""
    now = timezone.now()
    old = [pk for pk, last_used_at in used.items() if (now - last_used_at).total_seconds() >= USE_GRAIN_S]
    if old:
        SeatDevice.objects.filter(pk__in=old).update(last_used_at=now)


def _keep_newest_asking(seat: Participant) -> None:
    asking = SeatDevice.objects.filter(participant=seat, state=SeatDevice.State.ASKING).order_by("-pk")
    for device in asking[MAX_ASKING_DEVICES:]:
        _revoke(device)


def _revoke(device: SeatDevice) -> None:
    device.state = SeatDevice.State.REVOKED
    device.save(update_fields=["state"])


def _refuse_if_over(seat: Participant) -> None:
    if seat.room.state == lifecycle.ENDED:
        raise Refused("visit_ended")
    if seat.state == lifecycle.REMOVED:
        raise Refused("removed", status=403)
