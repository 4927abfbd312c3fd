"""Reads a room as plain facts, the input of `snapshot.py`. Three queries, six while it is live, and one call to the cache."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef

from consultations.appointments.models import Appointment
from consultations.clinics.models import Clinic, QualityLimit, TurnServer
from consultations.consent.access import consent_states
from consultations.consent.models import Purpose
from consultations.rooms.models import Participant, Room, SeatDevice
from consultations.rooms.presence import present_pages
from consultations.rooms.recorder.port import RecordingFacts, recordings
from media_routing.api import Limits, limits_for


@dataclass(frozen=True, slots=True)
class AskingDevice:
    id: str
    label: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Person:
    id: str
    role: str
    kind: str
    name: str
    state: str
    language: str = "en"
    registration: str = ""
    birth_date: date | None = None
    page: str = ""  # '' means not connected
    arrived_at: datetime | None = None
    admitted_at: datetime | None = None
    left_at: datetime | None = None
    relay_only: bool = False
    server_answer: str = ""
    device_check: dict[str, Any] = field(default_factory=dict)
    identity_outcome: str = ""
    details: dict[str, Any] | None = None
    asking_devices: tuple[AskingDevice, ...] = ()
    # purpose -> granted, refused or withdrawn; since when; only while the visit is live
    consents: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RoomFacts:
    code: str
    state: str
    revision: int
    seats: int
    outcome: str
    starts_at: datetime
    ends_at: datetime
    live_at: datetime | None
    zone: str
    clinic_id: str
    clinic_name: str
    clinic_phone: str
    emergency_number: str
    clinic_relay_only: bool
    route: str
    route_reasons: tuple[dict[str, Any], ...]
    people: tuple[Person, ...]
    recording: RecordingFacts | None = None
    may_record: bool = False
    clinic_language: str = "en"
    visit_is_group: bool = False
    privacy_class: str = "standard"
    profile: str = "gdpr"
    turn_available: bool = True
    quality_profile: str = "general"
    quality_limits: Limits = field(default_factory=dict)

    @property
    def hide_addresses(self) -> bool:
        """One person's wish covers the whole visit: the other side must not learn any address of theirs (PRIV-6)."""
        return self.clinic_relay_only or any(person.relay_only for person in self.people)

    def person(self, participant_id: str) -> Person:
        return next(person for person in self.people if person.id == participant_id)


def load_room_facts(room_pk: int, *, with_details: bool) -> RoomFacts:
    """Return the facts of a room. `with_details` also decrypts where people are and whom to call."""
    relays = TurnServer.objects.filter(clinic=OuterRef("appointment__clinic"), active=True)
    room = (
        Room.objects.select_related("appointment__clinic", "appointment__practitioner__user", "appointment__visit_type")
        .annotate(turn_available=Exists(relays))
        .get(pk=room_pk)
    )
    seats = list(Participant.objects.filter(room=room).select_related("patient", "user").order_by("pk"))
    asking: dict[int, list[AskingDevice]] = {}
    for device in SeatDevice.objects.filter(participant__room=room, state=SeatDevice.State.ASKING).order_by("pk"):
        shown = AskingDevice(device.public_id, device.label, device.created_at)
        asking.setdefault(device.participant_id, []).append(shown)
    pages = present_pages(seat.public_id for seat in seats)
    is_live = room.state == Room.State.LIVE
    recording = recordings().find_active(room.pk) if is_live else None
    answers = answers_now(room.appointment, [seat.public_id for seat in seats], recording) if is_live else {}
    appointment, clinic = room.appointment, room.appointment.clinic
    return RoomFacts(
        code=room.code,
        state=room.state,
        revision=room.revision,
        seats=room.seats,
        outcome=room.outcome,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        live_at=room.live_at,
        zone=appointment.zone,
        clinic_id=clinic.public_id,
        clinic_name=clinic.name,
        clinic_phone=clinic.phone,
        emergency_number=clinic.emergency_number,
        clinic_relay_only=clinic.relay_only,
        route=room.route,
        route_reasons=tuple(room.route_reasons),
        people=tuple(
            Person(
                id=seat.public_id,
                role=seat.role,
                kind=seat.kind,
                name=seat.name,
                state=seat.state,
                # Of staff the account says it, also when it was changed after the visit was booked.
                language=seat.user.language if seat.user else seat.language,
                registration=_registration(room, seat),
                birth_date=seat.patient.birth_date if seat.patient and with_details else None,
                page=pages.get(seat.public_id, ""),
                arrived_at=seat.arrived_at,
                admitted_at=seat.admitted_at,
                left_at=seat.left_at,
                relay_only=seat.relay_only,
                server_answer=seat.server_answer,
                device_check=seat.device_check,
                identity_outcome=seat.identity_outcome,
                details=details_of(seat) if with_details else None,
                asking_devices=tuple(asking.get(seat.pk, ())),
                consents=answers.get(seat.public_id, {}),
            )
            for seat in seats
        ),
        recording=recording,
        clinic_language=clinic.default_language,
        visit_is_group=appointment.visit_type.is_group,
        privacy_class=appointment.visit_type.privacy_class,
        profile=clinic.profile,
        turn_available=room.turn_available,
        quality_profile=appointment.visit_type.quality_profile,
        quality_limits=_limits(clinic, appointment.visit_type.quality_profile) if is_live else {},
        may_record=clinic.allows_capture
        and appointment.visit_type.privacy_class != "maximum"
        and settings.SFU_ENABLED
        and recordings().available,
    )


def _limits(clinic: Clinic, profile: str) -> Limits:
    """Return what is good and poor in this visit: the clinic's own limits in the place of ours. One query."""
    own = QualityLimit.objects.filter(clinic=clinic, profile=profile)
    return limits_for(profile, {row.metric: row.limit for row in own})


def answers_now(
    appointment: Appointment, people: Iterable[str], recording: RecordingFacts | None
) -> dict[str, dict[str, str]]:
    """Return person -> purpose -> answer as it counts now. One query.

    Who is asked again may answer again: a no from before this question was asked is no answer to it.
    """
    found = consent_states(appointment, people)
    for by_purpose in found.values():
        answer = by_purpose.get(Purpose.RECORDING)
        if recording is not None and answer and answer.state != "granted" and answer.at < recording.asked_at:
            del by_purpose[Purpose.RECORDING]
    return {person: {purpose: a.state for purpose, a in by_purpose.items()} for person, by_purpose in found.items()}


def details_of(participant: Participant) -> dict[str, Any] | None:
    """Return what the patient said in this visit about where they are and whom to call, None before they did (CLIN-1)."""
    if participant.details_confirmed_at is None or participant.is_guest:
        return None
    emergency_name, _, emergency_phone = participant.emergency_contact.partition("\n")
    return {
        "location": participant.location,
        "callback_number": participant.callback_number,
        "emergency_name": emergency_name,
        "emergency_phone": emergency_phone,
        "confirmed_at": participant.details_confirmed_at,
    }


def _registration(room: Room, seat: Participant) -> str:
    practitioner = room.appointment.practitioner
    return practitioner.registration if practitioner and practitioner.user_id == seat.user_id else ""
