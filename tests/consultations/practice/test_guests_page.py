"""Inviting somebody before the visit: by whoever plans the day, over HTML and JSON."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from consultations.outbox.models import Message
from consultations.rooms.actions.booking import book_visit, cancel_visit
from consultations.rooms.models import Participant
from tests.base import Cast, login, soon

FIELDS = {"name": "Ina Iver", "role": "interpreter", "contact": "ina@words.example", "language": "en"}
JSON = {"Accept": "application/json"}


@pytest.fixture
def page(cast: Cast) -> tuple[Client, str]:
    appointment = book_visit(
        clinic=cast.harbour,
        patient=cast.paul,
        practitioner=cast.anna.practitioner,
        visit_type=cast.talk,
        starts_at=soon(5),
        zone="Europe/Berlin",
        acting_user=cast.ivy,
    )
    return login(cast.ivy), reverse("appointment_invite", args=[appointment.public_id])


@pytest.mark.parametrize(
    "change", [{"name": ""}, {"role": "practitioner"}, {"role": "patient"}, {"contact": "nobody"}, {"language": "xx"}]
)
def test_what_cannot_be_is_answered_in_the_form(page: tuple[Client, str], change: dict[str, str]) -> None:
    client, url = page
    assert client.post(url, {**FIELDS, **change}).status_code == 422
    assert client.post(url, {**FIELDS, **change}, headers=JSON).json()["error"]["fields"].keys() == change.keys()
    assert not Participant.objects.filter(role="interpreter").exists()


def test_a_visit_that_is_called_off_takes_nobody(page: tuple[Client, str], cast: Cast) -> None:
    client, url = page
    cancel_visit(Participant.objects.filter(role="patient").get().room.appointment, acting_user=cast.ivy)
    refused = client.post(url, FIELDS)
    assert refused.status_code == 409
    assert "This visit has ended." in refused.content.decode()
    assert client.post(url, FIELDS, headers=JSON).json()["error"]["code"] == "visit_ended"


def test_the_link_is_shown_once_and_sent(page: tuple[Client, str], django_capture_on_commit_callbacks: Any) -> None:
    client, url = page
    assert client.get(url).status_code == 200
    with django_capture_on_commit_callbacks(execute=True):
        shown = client.post(url, FIELDS)
    assert "/join/#" in shown.content.decode()
    assert "Paul" not in shown.content.decode(), "what is shown to an interpreter's face names nobody else"
    assert Message.objects.get(event="visit_guest").state == "sent"
    listed = client.get(url.removesuffix("invite/")).content.decode()
    assert "Ina Iver (Interpreter)" in listed
    assert "/join/#" not in listed
