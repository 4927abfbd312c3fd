"""Everybody who could knock on a door, and at least one object of each kind behind one, in two clinics."""

import base64
import io
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.test import Client
from django.utils import timezone
from PIL import Image

from consultations.appointments.models import Appointment
from consultations.clinics.models import Identifier, Membership
from consultations.consent.models import ConsentRecord, ConsentText
from consultations.patients.models import PatientRelation
from consultations.recordings import storage
from consultations.recordings.models import Attachment, CopyRequest, Film, Recording, Track
from consultations.rooms.actions import booking
from consultations.rooms.actions.links import mint_link
from consultations.rooms.models import Note, NoteVersion, Participant, RouteDecision, SeatDevice
from media_routing import api
from telemed.accounts.models import User
from telemed.lib.ids import new_token, token_hash
from tests.base import PASSWORD, Cast, login

# What stands for somebody's picture and sound.
FILM = b"film " * 1000


def _png() -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), (200, 20, 20)).save(file, "PNG")
    return file.getvalue()


# What stands for a still picture of somebody's skin.
PNG = _png()

ROLES = (
    "anonymous",
    "patient",  # Paul, seated in Anna's visit
    "other_patient",  # Nora, seated in another visit of Anna's
    "practitioner",  # Anna
    "colleague",  # Carl, same clinic
    "assistant",  # Ivy, same clinic
    "clinic_admin",  # Adam, same clinic
    "stranger",  # Sara, practitioner of another clinic
    "foreign_admin",  # Bea, admin of that other clinic
    "superuser",  # Root, runs the machine, member of no clinic
)


@dataclass
class World:
    cast: Cast
    bea: User
    root: User
    appointment: Appointment  # Paul's visit with Anna
    nora_appointment: Appointment
    pete_appointment: Appointment  # in the other clinic
    clients: dict[str, Client] = field(default_factory=dict)

    @property
    def code(self) -> str:
        return self.appointment.room.code

    @property
    def recording(self) -> Recording:
        return Recording.objects.get(room__appointment=self.appointment)

    @property
    def attachment(self) -> Attachment:
        return Attachment.objects.get(room__appointment=self.appointment)

    def client(self, role: str) -> Client:
        return self.clients[role]


def _seated(client: Client, seat: Participant) -> Client:
    secret = new_token()
    SeatDevice.objects.create(participant=seat, secret_hash=token_hash(secret), state=SeatDevice.State.ACTIVE)
    client.cookies[f"{settings.SEAT_COOKIE_PREFIX}{seat.room.code}"] = secret
    return client


def patient_seat(appointment: Appointment) -> Participant:
    return Participant.objects.get(room__appointment=appointment, role="patient")


def _furnish(appointment: Appointment, author: User) -> None:
    """One row of every clinical kind around a visit, so that every admin page has something to hide."""
    room = appointment.room
    now = timezone.now()
    note = Note.objects.create(room=room, author=author)
    NoteVersion.objects.create(note=note, number=1, text="private words", saved_at=now)
    RouteDecision.objects.create(room=room, at=now, trigger="admit", route="p2p", reasons=["one_to_one"])
    PatientRelation.objects.create(patient=appointment.patient, kind="carer", name="Cara Carer")
    Identifier.objects.create(
        clinic=appointment.clinic,
        system="urn:ehr",
        value=appointment.patient.public_id,
        content_type=ContentType.objects.get_for_model(appointment.patient),
        object_id=appointment.patient.pk,
    )
    text = ConsentText.objects.filter(purpose="treatment", language="en").latest("version")
    ConsentRecord.objects.create(
        appointment=appointment, person=patient_seat(appointment).public_id, purpose="treatment", text=text, decision="granted",
        decided_at=now, shown_sha256="0" * 64,
    )  # fmt: skip
    _record(appointment, author)
    _attach(appointment, author)


def _record(appointment: Appointment, practitioner: User) -> None:
    """A finished recording of one track, with its file."""
    now = timezone.now()
    key = api.new_key()
    recording = Recording.objects.create(
        room=appointment.room,
        requested_by=practitioner,
        state=Recording.State.COMPLETE,
        requested_at=now,
        started_at=now,
        changed_at=now,
        ended_at=now,
        finished_at=now,
        keep_until=now + timedelta(days=30),
        wrapped_key=base64.b64encode(key).decode(),
    )
    person = patient_seat(appointment).public_id
    track = Track.objects.create(
        recording=recording, person=person, file_name=f"{person}-1.webm.sealed", duration_ms=1000, complete=True
    )
    film = Film.objects.create(
        recording=recording,
        requested_by=practitioner,
        people=[person],
        state="done",
        requested_at=now,
        changed_at=now,
        duration_ms=1000,
        size_bytes=len(FILM),
    )
    for path in (storage.path_of(track), storage.path_of(film)):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(api.seal_bytes(FILM, key))
    CopyRequest.objects.create(
        recording=recording, person=person, state="granted", asked_at=now, until=now + timedelta(days=14)
    )


def _attach(appointment: Appointment, practitioner: User) -> None:
    """A still picture, as if it had been examined."""
    key = api.new_key()
    attachment = Attachment(
        clinic=appointment.clinic,
        room=appointment.room,
        person=patient_seat(appointment).public_id,
        kind="still",
        content_type="image/png",
        size_bytes=len(FILM),
        scan="clean",
        kept_by=practitioner,
        kept_at=timezone.now(),
        wrapped_key=base64.b64encode(key).decode(),
    )
    attachment.sha256 = storage.keep_bytes(attachment.file_name, api.seal_bytes(FILM, key))
    attachment.save()


def make_world(cast: Cast) -> World:
    bea = User.objects.create_user("bea@hill.example", PASSWORD, name="Bea Best", is_staff=True)
    Membership.objects.create(user=bea, clinic=cast.hill, role=Membership.Role.CLINIC_ADMIN)
    root = User.objects.create_superuser("root@platform.example", PASSWORD, name="Root")

    def book(clinic: Any, patient: Any, doctor: User, visit_type: Any, minutes: int) -> Appointment:
        return booking.book_visit(
            clinic=clinic,
            patient=patient,
            practitioner=doctor.practitioner,
            visit_type=visit_type,
            starts_at=timezone.now().replace(second=0, microsecond=0) + timedelta(minutes=minutes),
            zone=clinic.time_zone,
            acting_user=doctor,
        )

    world = World(
        cast=cast,
        bea=bea,
        root=root,
        appointment=book(cast.harbour, cast.paul, cast.anna, cast.talk, 5),
        nora_appointment=book(cast.harbour, cast.nora, cast.anna, cast.talk, 60),
        pete_appointment=book(cast.hill, cast.pete, cast.sara, cast.hill_talk, 5),
    )
    _furnish(world.appointment, cast.anna)
    _furnish(world.nora_appointment, cast.anna)
    _furnish(world.pete_appointment, cast.sara)
    world.clients = {
        "anonymous": Client(),
        "patient": _seated(Client(), patient_seat(world.appointment)),
        "other_patient": _seated(Client(), patient_seat(world.nora_appointment)),
        "practitioner": login(cast.anna),
        "colleague": login(cast.carl),
        "assistant": login(cast.ivy),
        "clinic_admin": login(cast.adam),
        "stranger": login(cast.sara),
        "foreign_admin": login(bea),
        "superuser": login(root),
    }
    return world


def fresh_token(world: World) -> str:
    """Another live token for Paul's seat."""
    return mint_link(patient_seat(world.appointment), acting_user=world.cast.anna)
