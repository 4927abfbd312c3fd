"""The clinic's page of numbers, against visits whose truth is known."""

import re
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.urls import reverse

from consultations.rooms.models import Participant, Room
from consultations.rooms.story.clinic_page import Days
from consultations.rooms.story.counting import Numbers, count
from consultations.rooms.story.loading import ended_visits, load_ended
from tests.base import Cast
from tests.consultations.rooms.told_visits import Teller, tell_long_visit, tell_plain_visit
from tests.matrix.world import World, make_world

URL = "admin:rooms_room_connections"
NOW = datetime(2026, 11, 27, 18, tzinfo=UTC)


@pytest.fixture
def world(cast: Cast) -> World:
    """Harbour: one visit that moved three times on a phone, one direct and plain on a computer. Hill: one that failed."""
    world = make_world(cast)
    for appointment in (world.appointment, world.nora_appointment, world.pete_appointment):
        appointment.room.route_decisions.all().delete()
    begin = world.appointment.starts_at
    tell_long_visit(world.appointment.room, begin)
    tell_plain_visit(world.nora_appointment.room, begin)
    failed = Teller(world.pete_appointment.room, begin)
    failed.begin()
    failed.path(120, "failed", "")
    failed.decide(130, "admission_refused", "none", "three_or_more_need_server")
    failed.end(200, Room.Outcome.TECHNICAL)
    Participant.objects.filter(room=failed.room, role="practitioner").update(admitted_at=failed.at(0))
    for room, device in ((world.appointment.room, "phone"), (world.nora_appointment.room, "computer")):
        Participant.objects.filter(room=room, role="patient").update(device_check={"device": device})
    return world


def _numbers(world: World, *clinics: object) -> Numbers:
    begin = world.appointment.starts_at
    return count(load_ended(ended_visits(clinics, begin - timedelta(days=1), begin + timedelta(days=1))), now=NOW)  # type: ignore[arg-type]


def test_the_numbers_are_those_of_the_visits(world: World) -> None:
    numbers = _numbers(world, world.cast.harbour, world.cast.hill)
    assert (numbers.all.completed, numbers.all.begun) == (2, 3)
    assert {key: (share.completed, share.begun) for key, share in numbers.by_route.items()} == {
        "several": (1, 1), "direct": (1, 1), "": (0, 1),
    }  # fmt: skip
    assert {key: share.begun for key, share in numbers.by_network.items()} == {"relay": 1, "internet": 1, "": 1}
    assert {key: share.begun for key, share in numbers.by_device.items()} == {"phone": 1, "computer": 1, "": 1}
    assert numbers.moves == {
        ("sfu", "quality_through_server"): 1,
        ("p2p", "recovered"): 1,
        ("sfu", "three_or_more"): 1,
    }
    assert (numbers.never_connected, dict(numbers.refused)) == (2, {"three_or_more_need_server": 1})
    assert numbers.failed_joins == 3


def test_visits_that_go_on_or_lie_outside_the_days_are_not_counted(world: World) -> None:
    Room.objects.filter(pk=world.appointment.room.pk).update(state=Room.State.LIVE, ended_at=None)
    assert _numbers(world, world.cast.harbour).all.begun == 1
    later = world.appointment.starts_at + timedelta(days=2)
    visits = ended_visits([world.cast.harbour], later, later + timedelta(days=1))
    assert count(load_ended(visits), now=NOW).all.begun == 0


def _page(world: World, role: str, **query: str) -> str:
    response = world.client(role).get(reverse(URL), query)
    assert response.status_code == 200
    return re.sub(r"\s+", " ", response.content.decode())


def _cell(page: str, label: str) -> str:
    found = re.search(rf'<th scope="row">{re.escape(label)}</th><td>.*?<span>(.*?)</span>', page)
    assert found, label
    return found[1]


def test_each_clinics_admin_reads_their_own_numbers(world: World) -> None:
    mine = _page(world, "clinic_admin")
    assert "<dt>Visits that began</dt><dd>2</dd>" in mine
    assert "<dt>Completed</dt><dd>100 %</dd>" in mine
    # The patient's end was relayed for 588 s. Connected: 2611 s, 2579.6 s without the tunnel, 906 s; plain 597 s and 596.6 s.
    assert "<dt>Relay share</dt><dd>8 %</dd>" in mine
    assert _cell(mine, "eu-central") == "8 %, 9 min 48 s"
    assert _cell(mine, "Moved during the visit") == "1 of 1 (100 %)"
    assert _cell(mine, "Phone") == "1 of 1 (100 %)"
    theirs = _page(world, "foreign_admin")
    assert "<dt>Completed</dt><dd>0 %</dd>" in theirs
    assert _cell(theirs, "Never connected") == "0 of 1 (0 %)"
    assert _cell(theirs, "Was let in, and the device never reported a connection.") == "2 times"


def test_another_clinics_id_in_the_address_opens_nothing(world: World) -> None:
    assert "<dt>Visits that began</dt><dd>2</dd>" in _page(world, "clinic_admin", clinic=world.cast.hill.public_id)


def test_it_says_so_when_there_is_nothing(world: World) -> None:
    page = _page(world, "clinic_admin", first="2020-01-01", last="2020-01-31")
    assert page.count("Nothing in these days.") == 6
    assert "<dt>Completed</dt><dd>–</dd>" in page


def test_only_clinic_admins_get_it(world: World) -> None:
    for role in ("practitioner", "assistant", "stranger", "anonymous", "patient", "superuser"):
        assert world.client(role).get(reverse(URL)).status_code in {302, 403}, role


def test_no_name_and_no_outcome_stands_in_it(world: World) -> None:
    Room.objects.filter(appointment=world.appointment).update(outcome=Room.Outcome.CRISIS_PLAN)
    page = _page(world, "clinic_admin").partition('<div id="content"')[2]
    assert not [text for text in ("Paul Peters", "Nora Niles", "Anna Abel", "Crisis", "crisis") if text in page]


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({}, (date(2026, 10, 29), date(2026, 11, 27), False)),
        ({"first": "2026-11-01", "last": "2026-11-02"}, (date(2026, 11, 1), date(2026, 11, 2), False)),
        ({"first": "2026-11-02", "last": "2026-11-01"}, (date(2026, 10, 29), date(2026, 11, 27), True)),
        ({"first": "2025-01-01", "last": "2026-11-01"}, (date(2026, 10, 29), date(2026, 11, 27), True)),
        ({"first": "yesterday", "last": "2026-11-01"}, (date(2026, 10, 29), date(2026, 11, 27), True)),
        ({"first": "2026-11-01", "last": "2026-11-28"}, (date(2026, 10, 29), date(2026, 11, 27), True)),
    ],
)
def test_days_are_a_range_or_the_last_thirty(asked: dict[str, str], expected: tuple[date, date, bool]) -> None:
    days = Days.read(asked, date(2026, 11, 27))
    assert (days.first, days.last, days.mended) == expected


def test_a_day_is_as_long_as_the_clinics_clock_says() -> None:
    start, end = Days(date(2026, 10, 25), date(2026, 10, 25)).moments(ZoneInfo("Europe/Berlin"))
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=25)


def test_three_queries_however_many_visits(world: World, django_assert_num_queries: object) -> None:
    with django_assert_num_queries(3):  # type: ignore[operator]
        _numbers(world, world.cast.harbour, world.cast.hill)
