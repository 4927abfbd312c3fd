"""What a socket stands on: who opened it with which proof, and whether that proof still holds (SEC-4).

A ticket is taken once, at the handshake. `examine` looks at it again: on every nudge and inside every action; every few
seconds `examine_all` looks at everybody's. All run in the database thread and stay tiny.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from importlib import import_module
from types import SimpleNamespace
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user
from django.utils import timezone

from consultations.clinics.access import Role
from consultations.clinics.models import Membership
from consultations.rooms.access import find_device, find_known_device, find_staff_seat, idle
from consultations.rooms.models import Participant, SeatDevice
from consultations.rooms.signaling import CLOSE_NOT_ALLOWED, CLOSE_NOT_SIGNED_IN, CLOSE_REPLACED, CLOSE_UNKNOWN
from telemed.accounts.models import User
from telemed.accounts.sessions import may_act_as_staff


class NoEntry(Exception):
    """The socket may not be open. `close_code` says why (docs/PROTOCOL.md)."""

    def __init__(self, close_code: int) -> None:
        super().__init__(str(close_code))
        self.close_code = close_code


@dataclass(frozen=True)
class Ticket:
    """`device_pk` is None for staff, whose proof is the session of `session_key`."""

    participant: Participant
    device_pk: int | None = None
    device_id: str = "staff"
    session_key: str = ""
    user: User | None = None

    @property
    def participant_id(self) -> str:
        return self.participant.public_id

    @property
    def language(self) -> str:
        return self.user.language if self.user else self.participant.language


@dataclass(frozen=True)
class Standing:
    """`last_used_at` is a device's; staff have a session instead."""

    device_state: str
    revision: int
    last_used_at: datetime | None = None


def staff_user(session_key: str) -> User | None:
    """Return the user of a session as the database knows it now: signed in, second factor passed, not idle."""
    if not session_key:
        return None
    session = import_module(settings.SESSION_ENGINE).SessionStore(session_key)
    request: Any = SimpleNamespace(session=session)
    user = get_user(request)
    # Reading a session that is gone gives an empty one under a new key.
    if not isinstance(user, User) or session.session_key != session_key:
        return None
    return user if may_act_as_staff(user, session, timezone.now().timestamp()) else None


def take_ticket(*, cookies: Mapping[str, str], session_key: str, code: str, seat_only: bool) -> Ticket:
    """Return the ticket for a visit's socket; raise NoEntry.

    One browser may hold a seat and a staff session for the same visit (a demo, a shared computer): a patient's page says
    that it means its seat. That is a choice between proofs, never a claim.
    """
    user = None if seat_only else staff_user(session_key)
    seat = find_staff_seat(user, code) if user else None
    if seat is not None:
        return Ticket(seat, session_key=session_key, user=user)
    device = find_device(cookies, code)
    if device is not None:
        return Ticket(device.participant, device_pk=device.pk, device_id=device.public_id)
    known = find_known_device(cookies, code)
    if known is not None and known.participant.state == Participant.State.REMOVED:
        raise NoEntry(CLOSE_NOT_ALLOWED)
    if known is not None and known.state == SeatDevice.State.REVOKED:
        raise NoEntry(CLOSE_REPLACED)
    raise NoEntry(CLOSE_UNKNOWN if user else CLOSE_NOT_SIGNED_IN)


def examine(ticket: Ticket) -> Standing:
    """Return how the ticket stands now; raise NoEntry. One query for a seat, about five for staff."""
    standing = examine_all([ticket])[0]
    if isinstance(standing, NoEntry):
        raise standing
    return standing


def examine_all(tickets: Sequence[Ticket]) -> list[Standing | NoEntry]:
    """Return how each ticket stands now. One query for all seats; for staff two, and about three for each session."""
    seats = _examine_seats([ticket.device_pk for ticket in tickets if ticket.device_pk is not None])
    staff = _examine_staff([ticket for ticket in tickets if ticket.device_pk is None])
    return [
        staff[ticket] if ticket.device_pk is None else seats.get(ticket.device_pk, NoEntry(CLOSE_NOT_SIGNED_IN))
        for ticket in tickets
    ]


def _examine_seats(device_pks: list[int]) -> dict[int, Standing | NoEntry]:
    if not device_pks:
        return {}
    # Values, no rows: this runs every few seconds for everybody who waits, and a row would decrypt its fields.
    devices = SeatDevice.objects.filter(pk__in=device_pks).values_list(
        "pk", "state", "last_used_at", "participant__state", "participant__room__state", "participant__room__revision"
    )
    standings: dict[int, Standing | NoEntry] = {}
    for pk, state, last_used_at, seat_state, room_state, revision in devices:
        if seat_state == Participant.State.REMOVED:
            standings[pk] = NoEntry(CLOSE_NOT_ALLOWED)
        elif state == SeatDevice.State.REVOKED:
            standings[pk] = NoEntry(CLOSE_REPLACED)
        elif idle(last_used_at, seat_state, room_state):
            standings[pk] = NoEntry(CLOSE_NOT_SIGNED_IN)
        else:
            standings[pk] = Standing(state, revision, last_used_at)
    return standings


def _examine_staff(tickets: list[Ticket]) -> dict[Ticket, Standing | NoEntry]:
    if not tickets:
        return {}
    users = {key: staff_user(key) for key in {ticket.session_key for ticket in tickets}}
    seats = {
        pk: (state, revision)
        for pk, state, revision in Participant.objects.filter(
            pk__in=[ticket.participant.pk for ticket in tickets]
        ).values_list("pk", "state", "room__revision")
    }
    working = set(
        Membership.objects.filter(
            user__in=[ticket.user for ticket in tickets], active=True, role=Role.PRACTITIONER
        ).values_list("user_id", "clinic_id")
    )
    standings: dict[Ticket, Standing | NoEntry] = {}
    for ticket in tickets:
        user = users[ticket.session_key]
        state, revision = seats.get(ticket.participant.pk, (Participant.State.REMOVED, 0))
        if user is None or user != ticket.user:
            standings[ticket] = NoEntry(CLOSE_NOT_SIGNED_IN)
        elif (
            state == Participant.State.REMOVED
            or (user.pk, ticket.participant.room.appointment.clinic_id) not in working
        ):
            standings[ticket] = NoEntry(CLOSE_NOT_ALLOWED)
        else:
            standings[ticket] = Standing(SeatDevice.State.ACTIVE, revision)
    return standings
