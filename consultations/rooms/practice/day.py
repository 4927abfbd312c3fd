"""The rows of the Today page: each appointment with its room and the patient's seat. Reads only, three queries."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from consultations.appointments import lifecycle
from consultations.appointments.access import visible_appointments
from consultations.appointments.models import Appointment
from consultations.clinics.models import Clinic
from consultations.rooms.models import Participant, Room
from consultations.rooms.practice.zones import When, local_time, today_of, when_for, zone_of
from telemed.accounts.models import User

# Around midnight the next visit must not hide behind the date.
NEAR = timedelta(hours=2)

_TONES = {
    lifecycle.BOOKED: "",
    lifecycle.ARRIVED: "look",
    lifecycle.IN_VISIT: "accent",
    lifecycle.COMPLETED: "good",
    lifecycle.NO_SHOW: "bad",
    lifecycle.CANCELLED: "",
}
# (part, answer) -> tone and word, as the device check sends them. What is missing here is not worth a dot.
_CHECKS: dict[tuple[str, str], tuple[str, Any]] = {
    ("camera", "ok"): ("good", gettext_lazy("Camera works")),
    ("camera", "off"): ("look", gettext_lazy("Without camera")),
    ("camera", "blocked"): ("bad", gettext_lazy("Camera blocked")),
    ("camera", "missing"): ("look", gettext_lazy("No camera")),
    ("microphone", "ok"): ("good", gettext_lazy("Microphone works")),
    ("microphone", "off"): ("bad", gettext_lazy("Without microphone")),
    ("microphone", "silent"): ("look", gettext_lazy("Microphone silent")),
    ("microphone", "blocked"): ("bad", gettext_lazy("Microphone blocked")),
    ("microphone", "missing"): ("bad", gettext_lazy("No microphone")),
    ("speaker", "heard"): ("good", gettext_lazy("Hears sound")),
    ("speaker", "not_heard"): ("bad", gettext_lazy("Hears no sound")),
    ("speaker", "skipped"): ("look", gettext_lazy("Sound not tried")),
    ("network", "good"): ("good", gettext_lazy("Network good")),
    ("network", "fair"): ("look", gettext_lazy("Network fair")),
    ("network", "poor"): ("bad", gettext_lazy("Network poor")),
    ("network", "unknown"): ("look", gettext_lazy("Network not checked")),
}


@dataclass(frozen=True)
class Check:
    tone: str
    words: str


@dataclass(frozen=True)
class Row:
    """One line of the day, ready for the template."""

    appointment: Appointment
    room: Room | None
    seat: Participant | None
    when: When
    viewer: User

    @property
    def is_mine(self) -> bool:
        practitioner = self.appointment.practitioner
        return practitioner is not None and practitioner.user_id == self.viewer.pk

    @property
    def is_open(self) -> bool:
        return not lifecycle.is_final(self.appointment.status)

    @property
    def can_move(self) -> bool:
        return self.appointment.status in lifecycle.MOVABLE

    @property
    def waits(self) -> bool:
        """Somebody sits in the waiting room right now."""
        return self.is_open and self.seat is not None and self.seat.state == Participant.State.WAITING

    @property
    def waiting_minutes(self) -> int:
        if not self.waits or self.seat is None or self.seat.arrived_at is None:
            return 0
        return max(0, int((timezone.now() - self.seat.arrived_at).total_seconds() // 60))

    @property
    def tone(self) -> str:
        return "look" if self.waits else _TONES[self.appointment.status]

    @property
    def state_words(self) -> str:
        """The state as the person at the desk says it."""
        if self.waits:
            minutes = self.waiting_minutes
            if minutes < 1:
                return _("Waiting, just arrived")
            return ngettext("Waiting %(minutes)d min", "Waiting %(minutes)d min", minutes) % {"minutes": minutes}
        if self.appointment.practitioner_id is None and self.is_open:
            return _("Open to the team")
        preparing = self.seat is not None and self.seat.state == Participant.State.PREPARING
        if preparing and self.appointment.status == lifecycle.BOOKED:
            return _("Getting ready")
        return str(self.appointment.get_status_display())

    @property
    def checks(self) -> list[Check]:
        """What the device check found; empty before it was made and after the visit."""
        if not self.is_open or self.seat is None:
            return []
        found = (_CHECKS.get((part, str(answer))) for part, answer in self.seat.device_check.items())
        return [Check(tone, str(words)) for tone, words in filter(None, found)]


def build_day(user: User, clinic: Clinic | None = None) -> list[Row]:
    """Return the rows of the user's today, in all their clinics or one of them, by time."""
    zone = zone_of(user)
    midnight = datetime.combine(today_of(user), time.min, tzinfo=zone)
    next_midnight = datetime.combine(today_of(user) + timedelta(days=1), time.min, tzinfo=zone)
    now = timezone.now()
    appointments = visible_appointments(user).filter(
        starts_at__gte=min(midnight, now - NEAR), starts_at__lt=max(next_midnight, now + NEAR)
    )
    if clinic is not None:
        appointments = appointments.filter(clinic=clinic)
    return build_rows(user, list(appointments.order_by("starts_at", "id")))


def build_rows(user: User, appointments: list[Appointment]) -> list[Row]:
    """Return a row per appointment, in the given order. Two queries."""
    rooms = {room.appointment_id: room for room in Room.objects.filter(appointment__in=appointments)}
    patients = Participant.objects.filter(room__in=rooms.values(), role=Participant.Role.PATIENT).order_by("-pk")
    seats = {seat.room_id: seat for seat in patients}
    rows = []
    for appointment in appointments:
        room = rooms.get(appointment.pk)
        seat = seats.get(room.pk) if room else None
        rows.append(Row(appointment, room, seat, when_for(user, appointment), user))
    return rows


@dataclass(frozen=True)
class Change:
    """One step of the appointment's life, as the viewer's clock shows it."""

    local: datetime
    words: str
    by: User | None


def build_history(user: User, appointment: Appointment) -> list[Change]:
    """Return what happened to the appointment, oldest first. One query."""
    words = {str(value): str(label) for value, label in Appointment.Status.choices}
    zone = zone_of(user)
    return [
        Change(
            local_time(change.at, zone), _("Booked") if not change.old else words.get(change.new, change.new), change.by
        )
        for change in appointment.status_changes.select_related("by")
    ]
