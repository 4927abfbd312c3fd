"""Relays of the clinic's regions, and what they carried of a visit (SEC-8, the cost figure of the clinic page)."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ValidationError
from django.utils import timezone

from consultations.clinics.admin import ClinicForm
from consultations.clinics.models import MAX_OFFERED_RELAYS, Clinic, TurnServer
from consultations.rooms.actions.routing import MAX_PATH_REPORTS, record_path, weigh_route
from consultations.rooms.models import Participant, Room, RouteDecision
from consultations.rooms.protocol import PathReport
from consultations.rooms.relay_use import RelayUse, Standing, count_use, relay_use_in, relay_use_of
from consultations.rooms.route import relays_of
from tests.consultations.rooms import test_actions
from tests.consultations.rooms.test_actions import Scene

scene = test_actions.scene
AT = datetime(2026, 11, 27, 10, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("standings", "until_s", "connected_s", "relayed_s"),
    [
        ([], 60, 0, {}),
        ([Standing(at(0), True, False)], 60, 60, {}),
        ([Standing(at(0), False, True, "eu")], 60, 0, {}),
        ([Standing(at(10), True, True, "eu")], 60, 50, {"eu": 50}),
        # Out of order, and a loss between.
        (
            [
                Standing(at(40), True, True, "us"),
                Standing(at(0), True, True, "eu"),
                Standing(at(30), False, True, "eu"),
                Standing(at(50), True, False),
            ],
            60,
            50,
            {"eu": 30, "us": 10},
        ),
        # What was reported after the end does not count.
        ([Standing(at(0), True, True), Standing(at(70), True, True)], 60, 60, {"": 60}),
    ],
)
def test_it_counts_what_stood(standings, until_s, connected_s, relayed_s):
    assert count_use(standings, at(until_s)) == RelayUse(connected_s, relayed_s)


def test_the_share_of_nothing_is_nothing():
    assert RelayUse().share == 0
    assert RelayUse(100, {"eu": 20, "us": 5}).share == 0.25
    assert RelayUse(1, {"eu": 1}) + RelayUse(2, {"us": 2}) == RelayUse(3, {"eu": 1, "us": 2})


def add_relay(clinic: Clinic, host: str, region: str, **more: object) -> TurnServer:
    return TurnServer.objects.create(clinic=clinic, host=host, region=region, secret="s", **more)


@pytest.fixture
def clinic(scene: Scene) -> Clinic:
    return scene.cast.harbour


def test_a_visit_s_use_is_read_from_its_path_reports(scene: Scene, clinic: Clinic) -> None:
    add_relay(clinic, "turn.example.org", "eu-central")
    began = timezone.now() - timedelta(seconds=100)
    scene.room.live_at, scene.room.ended_at = began, began + timedelta(seconds=60)
    scene.room.save(update_fields=["live_at", "ended_at"])
    for person, relay in (scene.paul, "turn.example.org"), (scene.anna, ""):
        local = "relay" if relay else "host"
        record_path(person, report=PathReport("connected", "relay", local, "host", 20, relay))
    RouteDecision.objects.filter(room=scene.room).update(at=began)
    now = timezone.now()
    expected = RelayUse(120, {"eu-central": 60})
    assert relay_use_of(scene.room, now=now) == expected
    assert relay_use_in(Room.objects.filter(appointment__clinic=clinic), now=now) == expected
    assert relay_use_in(Room.objects.none(), now=now) == RelayUse()
    # Who has left is not connected any more.
    Participant.objects.filter(pk=scene.paul.pk).update(left_at=began + timedelta(seconds=20))
    assert relay_use_of(scene.room, now=now) == RelayUse(80, {"eu-central": 20})


def test_a_name_that_is_not_the_clinic_s_relay_is_not_kept(scene: Scene, clinic: Clinic) -> None:
    record_path(scene.paul, report=PathReport("connected", "relay", "relay", "host", 20, "198.51.100.7"))
    (told,) = RouteDecision.objects.get(room=scene.room).reasons
    assert told["region"] == ""
    assert "198.51.100.7" not in str(told)
    assert MAX_PATH_REPORTS == 200


def test_relays_are_offered_in_the_order_of_the_clinic_s_regions(scene: Scene, clinic: Clinic) -> None:
    for host, region in (("one", "us-east"), ("two", "eu-west"), ("three", "eu-central"), ("four", "eu-central")):
        add_relay(clinic, host, region)
    add_relay(clinic, "off", "eu-central", active=False)
    assert [relay.host for relay in relays_of(clinic)] == ["one", "two"]
    clinic.relay_regions = "eu-central, eu-west"
    clinic.save(update_fields=["relay_regions"])
    assert [relay.host for relay in relays_of(clinic)] == ["three", "four"]
    assert MAX_OFFERED_RELAYS == 2


def test_rather_no_relay_than_one_of_another_region(scene: Scene, clinic: Clinic) -> None:
    add_relay(clinic, "one", "us-east")
    clinic.relay_regions, clinic.relay_only = "eu-central", True
    clinic.save(update_fields=["relay_regions", "relay_only"])
    assert relays_of(clinic) == []
    scene.room.appointment.clinic.refresh_from_db()
    decision = weigh_route(scene.room, joining=2)
    assert (decision.route, decision.reasons[0].code) == ("none", "relay_required_but_missing")


def test_a_region_without_a_relay_cannot_be_chosen(scene: Scene, clinic: Clinic) -> None:
    add_relay(clinic, "one", "eu-central")
    form = ClinicForm(instance=clinic)
    form.cleaned_data = {"relay_regions": "eu-central , eu-central,"}
    assert form.clean_relay_regions() == "eu-central"
    form.cleaned_data = {"relay_regions": "eu-central, mars"}
    with pytest.raises(ValidationError, match="mars"):
        form.clean_relay_regions()
