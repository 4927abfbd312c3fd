import pytest

from consultations.appointments import lifecycle
from consultations.appointments.models import Appointment


def test_the_table_knows_every_status_and_no_other() -> None:
    assert set(lifecycle.TRANSITIONS) == set(Appointment.Status.values)
    assert {new for following in lifecycle.TRANSITIONS.values() for new in following} <= set(Appointment.Status.values)


@pytest.mark.parametrize("final", ["completed", "no_show", "cancelled"])
def test_nothing_follows_an_end(final: str) -> None:
    assert lifecycle.is_final(final)
    for new in Appointment.Status.values:
        with pytest.raises(lifecycle.IllegalTransition):
            lifecycle.check_transition(final, new)


@pytest.mark.parametrize("new", ["cancelled", "no_show", "booked"])
def test_a_visit_that_runs_is_neither_cancelled_nor_missed(new: str) -> None:
    with pytest.raises(lifecycle.IllegalTransition):
        lifecycle.check_transition("in_visit", new)


def test_the_usual_way_is_open() -> None:
    for old, new in [("booked", "arrived"), ("arrived", "in_visit"), ("in_visit", "completed")]:
        lifecycle.check_transition(old, new)


def test_an_unknown_status_is_a_bug() -> None:
    with pytest.raises(KeyError):
        lifecycle.check_transition("booked", "vanished")


def test_what_can_still_change_blocks_the_slot() -> None:
    assert {status for status in lifecycle.TRANSITIONS if not lifecycle.is_final(status)} == set(lifecycle.BLOCKING)
