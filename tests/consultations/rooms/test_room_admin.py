"""The list of visits speaks in words: the way a visit took is no code of ours."""

import pytest
from django.urls import reverse

from consultations.rooms.models import Room
from tests.base import Cast
from tests.matrix.world import make_world


@pytest.mark.parametrize(
    ("route", "words"), [("p2p", "Between the devices"), ("sfu", "Clinic&#x27;s server"), ("later", "later")]
)
def test_the_list_its_filter_and_the_page_say_the_way_in_words(cast: Cast, route: str, words: str) -> None:
    world = make_world(cast)
    room = Room.objects.get(code=world.code)
    Room.objects.filter(pk=room.pk).update(route=route)
    client = world.client("clinic_admin")
    page = client.get(reverse("admin:rooms_room_changelist")).content.decode()
    assert page.count(words) >= 2, "in the row and in the filter"
    assert words in client.get(reverse("admin:rooms_room_change", args=[room.pk])).content.decode()
    assert ">p2p<" not in page
    assert ">sfu<" not in page
