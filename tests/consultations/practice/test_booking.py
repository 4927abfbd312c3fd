"""Room, people, links and messages follow the appointment."""

from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.core import mail
from django.utils import timezone

from consultations.appointments.errors import AlreadyClaimed, InThePast, NotMovable, SlotTaken
from consultations.appointments.lifecycle import IllegalTransition
from consultations.appointments.models import Appointment
from consultations.outbox.models import Message
from consultations.patients.models import Patient
from consultations.rooms.access import find_link, link_status
from consultations.rooms.actions import booking
from consultations.rooms.models import JoinLink, Participant, Room
from tests.base import Cast, soon


@pytest.fixture
def commit(django_capture_on_commit_callbacks: Any) -> Any:
    """Run what waits for the commit, such as sending, when the block ends."""
    return lambda: django_capture_on_commit_callbacks(execute=True)


def _book(cast: Cast, minutes: int = 60, **fields: Any) -> Appointment:
    values: dict[str, Any] = {
        "clinic": cast.harbour,
        "patient": cast.paul,
        "practitioner": cast.anna.practitioner,
        "visit_type": cast.talk,
        "starts_at": soon(minutes),
        "zone": "Europe/Berlin",
        "acting_user": cast.ivy,
    }
    return booking.book_visit(**{**values, **fields})


def _start(cast: Cast, **fields: Any) -> booking.Booked:
    values: dict[str, Any] = {
        "clinic": cast.harbour,
        "practitioner": cast.anna.practitioner,
        "visit_type": cast.talk,
        "name": "Eva Stein",
        "email": "eva@mail.example",
        "acting_user": cast.anna,
    }
    return booking.start_now(**{**values, **fields})


def _token_in(message: Any) -> str:
    return message.body.partition("/join/#")[2].split()[0]


def test_booking_furnishes_a_room_and_invites_the_patient(cast: Cast, commit: Any) -> None:
    with commit():
        appointment = _book(cast)
    room = Room.objects.get(appointment=appointment)
    assert {(p.role, p.user) for p in room.participants.all()} == {("patient", None), ("practitioner", cast.anna)}
    link = JoinLink.objects.get(participant__room=room)
    assert link.valid_from == appointment.starts_at - timedelta(minutes=30)
    assert link.valid_until == appointment.ends_at + timedelta(minutes=15)
    assert [m.to for m in mail.outbox] == [["paul@mail.example"]]
    assert find_link(_token_in(mail.outbox[0])) == link
    sent = Message.objects.get()
    assert (sent.state, sent.payload, sent.subject) == ("sent", "", appointment.public_id)


def test_nothing_is_sent_before_the_commit(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=False):
        _book(cast)
    assert not mail.outbox
    assert Message.objects.get().state == "queued"


def test_a_taken_slot_invites_nobody(cast: Cast, commit: Any) -> None:
    _book(cast)
    before = (Room.objects.count(), JoinLink.objects.count(), Message.objects.count(), Patient.objects.count())
    with commit(), pytest.raises(SlotTaken):
        booking.book_new_patient(
            clinic=cast.harbour,
            name="Eva Stein",
            email="eva@mail.example",
            phone="",
            language="de",
            practitioner=cast.anna.practitioner,
            visit_type=cast.talk,
            starts_at=soon(65),
            zone="Europe/Berlin",
            acting_user=cast.ivy,
        )
    assert (Room.objects.count(), JoinLink.objects.count(), Message.objects.count(), Patient.objects.count()) == before
    assert not mail.outbox


def test_the_past_cannot_be_booked(cast: Cast) -> None:
    with pytest.raises(InThePast):
        _book(cast, -60)


def test_moving_kills_the_old_link_and_sends_a_new_one(cast: Cast, commit: Any) -> None:
    with commit():
        appointment = _book(cast)
    old = _token_in(mail.outbox[0])
    with commit():
        booking.reschedule_visit(appointment, starts_at=soon(300), zone="Europe/Berlin", acting_user=cast.anna)
    new = _token_in(mail.outbox[1])
    assert link_status(find_link(old)) == "revoked"
    assert find_link(new).valid_from == soon(300) - timedelta(minutes=30)
    with time_machine.travel(soon(300), tick=False):
        assert (link_status(find_link(old)), link_status(find_link(new))) == ("revoked", "open")


def test_a_refused_move_changes_nothing(cast: Cast, commit: Any) -> None:
    with commit():
        appointment = _book(cast)
        _book(cast, 300, patient=cast.nora)
    old = _token_in(mail.outbox[0])
    with commit(), pytest.raises(SlotTaken):
        booking.reschedule_visit(appointment, starts_at=soon(300), zone="Europe/Berlin", acting_user=cast.anna)
    assert link_status(find_link(old)) == "early"
    assert len(mail.outbox) == 2


def test_cancelling_kills_the_link_and_tells_the_patient(cast: Cast, commit: Any) -> None:
    with commit():
        appointment = _book(cast)
    with commit():
        booking.cancel_visit(appointment, acting_user=cast.anna)
    assert link_status(find_link(_token_in(mail.outbox[0]))) == "cancelled"
    assert JoinLink.objects.get().revoked_at is not None
    assert Room.objects.get().state == "ended"
    assert "cancelled" in mail.outbox[1].subject
    with commit(), pytest.raises(IllegalTransition):
        booking.cancel_visit(appointment, acting_user=cast.anna)
    assert len(mail.outbox) == 2


def test_an_invitation_that_waits_is_not_sent_for_a_cancelled_visit(cast: Cast, commit: Any) -> None:
    appointment = _book(cast)  # its message stays queued: nothing commits
    with commit():
        booking.cancel_visit(appointment, acting_user=cast.anna)
    states = dict(Message.objects.values_list("event", "state"))
    assert states == {"visit_invitation": "failed", "visit_cancelled": "sent"}
    assert [message.subject for message in mail.outbox if "cancelled" not in message.subject] == []
    assert Message.objects.get(event="visit_invitation").payload == ""


def test_taking_a_team_visit_takes_a_seat(cast: Cast) -> None:
    appointment = _book(cast, practitioner=None)
    assert not Participant.objects.filter(role="practitioner").exists()
    booking.claim_visit(appointment, practitioner=cast.carl.practitioner, acting_user=cast.carl)
    with pytest.raises(AlreadyClaimed):
        booking.claim_visit(appointment, practitioner=cast.anna.practitioner, acting_user=cast.anna)
    assert Participant.objects.get(role="practitioner").user == cast.carl


def test_start_now_sends_a_link_that_works_at_once(cast: Cast, commit: Any) -> None:
    with commit():
        booked = _start(cast)
    assert link_status(find_link(booked.token)) == "open"
    assert _token_in(mail.outbox[0]) == booked.token
    assert booked.token not in repr(booked)
    patient = booked.appointment.patient
    assert (patient.name, patient.email) == ("Eva Stein", "eva@mail.example")


def test_start_now_knows_somebody_by_name_and_contact_together(cast: Cast) -> None:
    first = _start(cast).appointment
    booking.cancel_visit(first, acting_user=cast.anna)
    again = _start(cast, name="eva  stein", email="EVA@mail.example").appointment
    assert again.patient == first.patient
    booking.cancel_visit(again, acting_user=cast.anna)
    child = _start(cast, name="Ben Stein").appointment
    assert child.patient != first.patient


def test_start_now_shortens_the_visit_or_says_no(cast: Cast) -> None:
    _book(cast, 15)
    booked = _start(cast)
    assert booked.appointment.ends_at == soon(15)
    with pytest.raises(SlotTaken):
        _start(cast, name="Somebody Else")


def test_a_new_link_lives_beside_the_old_one(cast: Cast, commit: Any) -> None:
    with commit():
        first = _start(cast)
    with commit():
        second = booking.send_new_link(first.seat, acting_user=cast.anna)
    assert [link_status(find_link(token)) for token in (first.token, second.token)] == ["open", "open"]
    assert _token_in(mail.outbox[1]) == second.token


def test_a_visit_that_is_over_gets_no_new_link(cast: Cast) -> None:
    booked = _start(cast)
    booking.cancel_visit(booked.appointment, acting_user=cast.anna)
    seat = Participant.objects.select_related("room").get(pk=booked.seat.pk)
    with pytest.raises(NotMovable):
        booking.send_new_link(seat, acting_user=cast.anna)


def test_a_patient_without_contact_gets_no_message(cast: Cast) -> None:
    lone = Patient.objects.create(clinic=cast.harbour, name="Lone Ranger")
    _book(cast, patient=lone)
    assert not Message.objects.exists()
    assert JoinLink.objects.count() == 1


def test_the_token_is_kept_as_a_hash_only(cast: Cast) -> None:
    booked = _start(cast)
    assert booked.token not in str(list(JoinLink.objects.values()))
    assert timezone.now() < JoinLink.objects.get().valid_until
