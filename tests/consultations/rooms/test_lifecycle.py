from datetime import UTC, datetime, timedelta

import pytest

from consultations.rooms import lifecycle, steps
from consultations.rooms.lifecycle import IllegalTransition, may_return_until, next_room_state, next_seat_state
from consultations.rooms.limits import TokenBucket
from consultations.rooms.models import Participant, Room

NOW = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)


def test_the_tables_speak_the_models_words() -> None:
    seats = {state for row in lifecycle.SEAT.values() for pair in row.items() for state in pair}
    rooms = {state for row in lifecycle.ROOM.values() for pair in row.items() for state in pair}
    assert seats == set(Participant.State.values)
    assert rooms == set(Room.State.values)


@pytest.mark.parametrize("state", ["invited", "preparing", "left", "removed"])
def test_only_who_waits_is_admitted(state: str) -> None:
    with pytest.raises(IllegalTransition):
        next_seat_state(state, "admit")
    assert next_seat_state("waiting", "admit") == "admitted"


@pytest.mark.parametrize("event", ["redeem", "wait", "admit", "enter", "come_back", "leave"])
def test_nothing_leads_back_from_removed(event: str) -> None:
    with pytest.raises(IllegalTransition):
        next_seat_state("removed", event)


@pytest.mark.parametrize("event", ["open", "go_live"])
def test_an_ended_room_never_opens_again(event: str) -> None:
    with pytest.raises(IllegalTransition):
        next_room_state("ended", event)


def test_a_room_nobody_opened_does_not_go_live() -> None:
    with pytest.raises(IllegalTransition):
        next_room_state("scheduled", "go_live")


def test_opening_the_link_again_never_moves_a_seat_back() -> None:
    for state in ("preparing", "waiting", "admitted", "left"):
        assert next_seat_state(state, "redeem") == state


def test_the_way_back_is_open_five_minutes_and_only_for_who_was_inside() -> None:
    assert may_return_until("left", NOW, NOW) == NOW + timedelta(minutes=5)
    assert may_return_until("left", None, NOW) is None
    assert may_return_until("admitted", NOW, None) is None


@pytest.mark.parametrize(
    "seat, room, done, expected",
    [
        ("preparing", "scheduled", (False, False, False), "details"),
        ("preparing", "open", (True, False, False), "device_check"),
        ("preparing", "open", (True, True, False), "consent"),
        ("preparing", "open", (True, True, True), "waiting"),
        ("waiting", "live", (True, True, True), "waiting"),
        # A consent that was withdrawn while waiting is asked again.
        ("waiting", "live", (True, True, False), "consent"),
        ("admitted", "live", (True, True, True), "visit"),
        ("left", "live", (True, True, True), "after"),
        ("removed", "live", (True, True, True), "after"),
        ("waiting", "ended", (True, True, True), "after"),
    ],
)
def test_the_step_is_the_first_that_is_not_done(seat: str, room: str, done: tuple[bool, ...], expected: str) -> None:
    details, device_check, consent = done
    assert steps.step_of(seat, room, details=details, device_check=device_check, consent=consent) == expected


def test_the_bucket_lets_a_burst_through_and_then_the_rate() -> None:
    bucket = TokenBucket(rate_per_s=20, burst=60, now_s=100.0)
    assert [bucket.take(100.0) for _ in range(61)] == [True] * 60 + [False]
    assert bucket.overdraft == 1
    assert bucket.take(100.06)
    assert not bucket.take(100.06)
    assert sum(bucket.take(101.06) for _ in range(60)) == 20
    assert bucket.take(110.0)
    assert bucket.overdraft == 0
