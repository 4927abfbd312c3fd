"""The administration shows times on the clock of whoever looks."""

from datetime import UTC, datetime

import pytest
from django.urls import reverse

from consultations.rooms.models import Room
from telemed.accounts.models import User
from tests.base import Cast
from tests.matrix.world import World, make_world

OPENED = datetime(2026, 1, 15, 12, 34, tzinfo=UTC)


@pytest.fixture
def world(cast: Cast) -> World:
    return make_world(cast)


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("Europe/Berlin", "1:34 p.m."),
        ("America/New_York", "7:34 a.m."),
        ("UTC", "12:34 p.m."),
        # Kept before zones were checked: the page comes all the same, in the site's time.
        ("Europe/Atlantis", "12:34 p.m."),
        ("../etc", "12:34 p.m."),
    ],
)
def test_a_list_of_the_administration_tells_the_time_of_whoever_looks(world: World, zone: str, shown: str) -> None:
    Room.objects.filter(code=world.code).update(opened_at=OPENED)
    client = world.client("clinic_admin")
    User.objects.filter(pk=int(client.session["_auth_user_id"])).update(time_zone=zone)
    page = client.get(reverse("admin:rooms_room_changelist")).content.decode()
    assert f"Jan. 15, 2026, {shown}" in page
