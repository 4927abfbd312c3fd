"""Seeding twice makes one practice, and the visits move to now."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone

from consultations.appointments.models import Appointment
from consultations.clinics.models import Clinic
from consultations.demo.actions.seed import seed
from consultations.demo.people import ROLES
from consultations.patients.models import Patient
from consultations.rooms.access import find_link, link_status
from consultations.rooms.models import Participant, Room, SeatDevice
from consultations.rooms.practice.day import build_day
from telemed.accounts.models import User


@pytest.fixture(autouse=True)
def demo(db: None, settings: Any) -> None:
    settings.DEMO = True


def test_the_first_patient_may_join_at_once() -> None:
    link = find_link(seed())
    assert link_status(link) == "open"
    assert link.participant.room.appointment.practitioner.user.email == ROLES["practitioner"]


def test_a_second_start_moves_the_visits_and_adds_nobody() -> None:
    old = seed()
    before = (Clinic.objects.count(), User.objects.count(), Patient.objects.count(), Appointment.objects.count())
    with time_machine.travel(timezone.now() + timedelta(minutes=50)):
        new = seed()
        assert link_status(find_link(new)) == "open"
        assert link_status(find_link(old)) == "revoked"
    assert (
        Clinic.objects.count(),
        User.objects.count(),
        Patient.objects.count(),
        Appointment.objects.count(),
    ) == before


def test_a_visit_that_an_earlier_run_left_open_is_closed() -> None:
    room = find_link(seed()).participant.room
    room.participants.update(state="admitted")
    Appointment.objects.filter(pk=room.appointment_id).update(status="in_visit")
    fresh = find_link(seed()).participant.room
    assert fresh != room
    assert Appointment.objects.get(pk=room.appointment_id).status == "completed"


def test_a_restart_spares_a_visit_with_people_in_it() -> None:
    link = find_link(seed())
    room, seat = link.participant.room, link.participant
    Room.objects.filter(pk=room.pk).update(state=Room.State.LIVE)
    Participant.objects.filter(room=room).update(state=Participant.State.ADMITTED)
    Appointment.objects.filter(pk=room.appointment_id).update(status="in_visit")
    device = SeatDevice.objects.create(participant=seat, secret_hash="a" * 64, state=SeatDevice.State.ACTIVE)
    again = find_link(seed())
    room.refresh_from_db()
    assert room.state == Room.State.LIVE
    assert again.participant.room_id != room.pk, "the printed link leads to a visit that can start"
    assert link_status(again) == "open"
    SeatDevice.objects.filter(pk=device.pk).update(last_used_at=timezone.now() - timedelta(minutes=5))
    seed()
    room.refresh_from_db()
    assert room.state == Room.State.ENDED, "control: nobody is in it any more"


def test_nobody_has_a_password() -> None:
    seed()
    assert not any(user.has_usable_password() for user in User.objects.all())


@pytest.mark.parametrize("clock", ["2026-11-22T09:30:00Z", "2026-11-22T22:55:00Z", "2026-11-22T23:10:00Z"])
def test_the_day_looks_alive_at_any_hour(clock: str) -> None:
    with time_machine.travel(clock):
        seed()
        rows = build_day(User.objects.get(email=ROLES["practitioner"]))
    assert "Paul Peters" in {row.appointment.patient.name for row in rows}
    assert len({row.appointment.status for row in rows}) >= 2
