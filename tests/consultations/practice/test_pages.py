"""The practitioner's pages: who sees what, and that every refusal is a sentence."""

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core import mail
from django.urls import reverse
from django.utils import timezone

from consultations.appointments import actions as appointment_actions
from consultations.appointments.models import Appointment
from consultations.clinics.models import Membership
from consultations.rooms.actions import booking
from consultations.rooms.models import Participant
from telemed.audit.models import AuditEntry
from tests.base import Cast, login, soon


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


def _fields(cast: Cast, minutes: int = 90, **changes: str) -> dict[str, str]:
    local = soon(minutes).astimezone(timezone.get_fixed_timezone(0))
    return {
        "name": "Eva Stein",
        "contact": "eva@mail.example",
        "language": "de",
        "practitioner": cast.anna.practitioner.public_id,
        "visit_type": cast.talk.public_id,
        "date": f"{local:%Y-%m-%d}",
        "time": f"{local:%H:%M}",
        "zone": "UTC",
        **changes,
    }


@pytest.fixture
def utc(cast: Cast) -> Cast:
    """The cast, with clocks that read UTC: the tests below then need no zone arithmetic."""
    cast.harbour.time_zone = cast.anna.time_zone = cast.ivy.time_zone = "UTC"
    cast.harbour.save(update_fields=["time_zone"])
    for user in (cast.anna, cast.ivy):
        user.save(update_fields=["time_zone"])
    return cast


def test_each_sees_their_own_day(cast: Cast) -> None:
    _book(cast)
    _book(cast, patient=cast.nora, practitioner=cast.carl.practitioner)
    seen = {
        name: {
            patient
            for patient in ("Paul", "Nora")
            if patient in login(getattr(cast, name)).get("/today/").content.decode()
        }
        for name in ("anna", "carl", "ivy", "adam", "sara")
    }
    both = {"Paul", "Nora"}
    assert seen == {"anna": {"Paul"}, "carl": {"Nora"}, "ivy": both, "adam": both, "sara": set()}


def test_a_stranger_gets_the_answer_of_an_appointment_that_does_not_exist(cast: Cast) -> None:
    appointment = _book(cast)
    for user in (cast.sara, cast.carl):
        client = login(user)
        for name in ("appointment", "appointment_reschedule"):
            foreign = client.get(reverse(name, args=[appointment.public_id]))
            missing = client.get(reverse(name, args=["0" * 22]))
            assert (foreign.status_code, missing.status_code) == (404, 404)
        for name in ("appointment_cancel", "appointment_claim", "appointment_link"):
            assert client.post(reverse(name, args=[appointment.public_id])).status_code == 404
    assert Appointment.objects.get().status == "booked"


@pytest.mark.parametrize("path", ["/today/", "/today/list/", "/start-now/", "/appointments/new/"])
def test_nobody_comes_in_without_signing_in(client: Any, db: None, path: str) -> None:
    response = client.get(path)
    assert response.status_code == 302
    assert "/accounts/login/" in response["Location"]


def test_a_waiting_patient_is_told_with_minutes_and_devices(cast: Cast) -> None:
    appointment = _book(cast)
    check = {
        "camera": "blocked",
        "microphone": "silent",
        "speaker": "heard",
        "network": "fair",
        "rtt_ms": 80,
        "turn": {},
    }
    Participant.objects.filter(role="patient").update(
        state="waiting", arrived_at=timezone.now() - timedelta(minutes=6, seconds=5), device_check=check
    )
    appointment_actions.change_status(appointment, "arrived")
    page = login(cast.anna).get("/today/list/").content.decode()
    for words in ("Waiting 6 min", "Camera blocked", "Microphone silent", "Hears sound", "Network fair", "Admit"):
        assert words in page
    assert 'data-waits="Paul Peters"' in page


def test_a_colleague_is_not_offered_to_admit(cast: Cast) -> None:
    _book(cast)
    assert "open-visit" in login(cast.anna).get("/today/list/").content.decode()
    assert "open-visit" not in login(cast.ivy).get("/today/list/").content.decode()


def test_times_are_those_of_the_viewers_clock(cast: Cast) -> None:
    appointment = _book(cast)
    for zone in ("Europe/Berlin", "Asia/Kathmandu", "America/New_York"):
        cast.anna.time_zone = zone
        cast.anna.save(update_fields=["time_zone"])
        local = appointment.starts_at.astimezone(ZoneInfo(zone))
        client = login(cast.anna)
        assert f">{local:%H:%M}</time>" in client.get("/today/").content.decode()
        assert (
            f"{local:%Y, %H:%M} – " in client.get(reverse("appointment", args=[appointment.public_id])).content.decode()
        )


def test_another_clock_is_named(cast: Cast) -> None:
    cast.paul.time_zone = "Asia/Kathmandu"
    cast.paul.save(update_fields=["time_zone"])
    _book(cast)
    assert "in Kathmandu" in login(cast.anna).get("/today/list/").content.decode()


def test_somebody_in_two_clinics_sees_both_and_may_choose(cast: Cast) -> None:
    Membership.objects.create(user=cast.anna, clinic=cast.hill, role="practitioner")
    _book(cast)
    _book(cast, 200, clinic=cast.hill, patient=cast.pete, visit_type=cast.hill_talk)
    client = login(cast.anna)
    page = client.get("/today/").content.decode()
    assert "Paul Peters" in page
    assert "Pete Poole" in page
    assert "Hill Clinic" in page
    only = client.get(f"/today/list/?clinic={cast.hill.public_id}").content.decode()
    assert "Paul Peters" not in only
    assert "Pete Poole" in only
    assert login(cast.carl).get(f"/today/?clinic={cast.hill.public_id}").status_code == 404


def test_an_empty_day_offers_a_way_on(cast: Cast) -> None:
    page = login(cast.anna).get("/today/").content.decode()
    assert "No visits today" in page
    assert reverse("start_now") in page


def test_each_patient_shown_is_audited_once_per_session(cast: Cast) -> None:
    _book(cast)
    client = login(cast.anna)

    def reads() -> int:
        return AuditEntry.objects.filter(event="patient.read").count()

    client.get("/today/")
    client.get("/today/list/", headers={"X-Background": "1"})
    assert reads() == 1
    _book(cast, 200, patient=cast.nora)
    client.get("/today/list/", headers={"X-Background": "1"})
    assert reads() == 2
    login(cast.ivy).get("/today/")
    assert reads() == 4


def test_booking_somebody_new(utc: Cast, django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        response = login(utc.anna).post("/appointments/new/", _fields(utc))
    appointment = Appointment.objects.get()
    assert response["Location"] == reverse("appointment", args=[appointment.public_id])
    assert (appointment.starts_at, appointment.patient.name, appointment.patient.language) == (
        soon(90),
        "Eva Stein",
        "de",
    )
    assert "Videotermin" in mail.outbox[0].subject


def test_booking_a_known_patient_of_the_clinic_only(utc: Cast) -> None:
    client = login(utc.anna)
    assert client.get(f"/appointments/new/?patient={utc.pete.public_id}").status_code == 404
    client.post(f"/appointments/new/?patient={utc.paul.public_id}", _fields(utc))
    assert Appointment.objects.get().patient == utc.paul


def test_a_practitioner_books_for_nobody_else(utc: Cast) -> None:
    other = _fields(utc, practitioner=utc.carl.practitioner.public_id)
    assert login(utc.anna).post("/appointments/new/", other).status_code == 422
    assert login(utc.ivy).post("/appointments/new/", other).status_code == 302
    assert Appointment.objects.get().practitioner == utc.carl.practitioner


def test_a_taken_slot_is_a_409_in_html_and_json(utc: Cast) -> None:
    _book(utc, 90)
    client = login(utc.anna)
    page = client.post("/appointments/new/", _fields(utc))
    assert page.status_code == 409
    assert "overlaps with another visit" in page.content.decode()
    assert 'value="Eva Stein"' in page.content.decode()
    data = client.post("/appointments/new/", _fields(utc), headers={"Accept": "application/json"})
    assert data.status_code == 409
    assert data.json()["error"]["code"] == "slot_taken"
    moved = _book(utc, 300, patient=utc.nora)
    when = {key: value for key, value in _fields(utc).items() if key in {"date", "time", "zone"}}
    assert client.post(reverse("appointment_reschedule", args=[moved.public_id]), when).status_code == 409


def test_start_now_shows_the_link_once_with_a_code_to_scan(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    fields = {"name": "Eva Stein", "contact": "eva@mail.example", "visit_type": cast.talk.public_id, "language": "en"}
    client = login(cast.anna)
    with django_capture_on_commit_callbacks(execute=True):
        page = client.post("/start-now/", fields)
    html = page.content.decode()
    url = re.search(r'value="(http[^"]+/join/#[\w-]{43})"', html)[1]
    assert url in mail.outbox[0].body
    assert "<svg" in html
    assert "style=" not in html.partition('class="qr"')[2].partition("</figure>")[0]
    assert "on its way" in html  # a test's transaction commits after the page; test_today_page sees it sent
    assert "no-store" in page["Cache-Control"]
    again = client.post("/start-now/", {**fields, "name": "Max Stein"})
    assert again.status_code == 409


def test_a_number_without_a_gateway_says_so(cast: Cast, django_capture_on_commit_callbacks: Any) -> None:
    fields = {"name": "Eva Stein", "contact": "+49 170 1234567", "visit_type": cast.talk.public_id, "language": "en"}
    client = login(cast.anna)
    with django_capture_on_commit_callbacks(execute=True):
        client.post("/start-now/", fields)
    html = client.get(reverse("appointment", args=[Appointment.objects.get().public_id])).content.decode()
    assert "Failed" in html
    assert "Text messages are not set up" in html


def test_only_those_who_treat_may_start_a_visit(cast: Cast) -> None:
    assert login(cast.ivy).get("/start-now/").status_code == 403


def test_cancelling_twice_is_a_409(cast: Cast) -> None:
    appointment = _book(cast)
    client = login(cast.anna)
    url = reverse("appointment_cancel", args=[appointment.public_id])
    assert client.post(url).status_code == 302
    assert client.post(url).status_code == 409
    booking_over = client.post(reverse("appointment_link", args=[appointment.public_id]))
    assert booking_over.status_code == 409


def test_a_visit_a_colleague_was_faster_to_take(cast: Cast) -> None:
    appointment = _book(cast, practitioner=None)
    anna, carl = login(cast.anna), login(cast.carl)
    url = reverse("appointment_claim", args=[appointment.public_id])
    assert "Take this visit" in anna.get("/today/list/").content.decode()
    assert carl.post(url)["Location"] == "/today/"
    # It is Carl's now, so Anna may not know any more that it exists.
    assert anna.post(url).status_code == 404
    assert login(cast.ivy).post(url).status_code == 403


def test_the_page_keeps_to_the_policy(cast: Cast) -> None:
    _book(cast)
    client = login(cast.anna)
    for path in (
        "/today/",
        "/appointments/new/",
        "/start-now/",
        reverse("appointment", args=[Appointment.objects.get().public_id]),
    ):
        html = client.get(path).content.decode()
        assert not re.search(r"<[^>]+\s(style|on\w+)=", html), path
