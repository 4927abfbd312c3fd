from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from consultations.appointments import actions
from consultations.appointments.errors import AlreadyClaimed, NotMovable, SlotTaken
from consultations.appointments.lifecycle import IllegalTransition
from consultations.appointments.models import Appointment, CareThread
from consultations.appointments.slots import free_end
from telemed.audit.models import AuditEntry
from tests.base import Cast, soon


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
    return actions.create_appointment(**{**values, **fields})


def test_a_taken_slot_leaves_nothing_behind(cast: Cast) -> None:
    _book(cast)
    before = (Appointment.objects.count(), CareThread.objects.count(), AuditEntry.objects.count())
    with pytest.raises(SlotTaken):
        _book(cast, 70)
    assert (Appointment.objects.count(), CareThread.objects.count(), AuditEntry.objects.count()) == before


def test_rows_of_another_clinic_are_a_bug_of_the_caller(cast: Cast) -> None:
    for foreign in ({"patient": cast.pete}, {"visit_type": cast.hill_talk}):
        with pytest.raises(ValueError, match="another clinic"):
            _book(cast, **foreign)
    thread = CareThread.objects.create(clinic=cast.harbour, patient=cast.nora)
    with pytest.raises(ValueError, match="another patient"):
        _book(cast, care_thread=thread)


def test_length_and_buffer_come_from_the_visit_type(cast: Cast) -> None:
    appointment = _book(cast)
    assert appointment.ends_at - appointment.starts_at == timedelta(minutes=20)
    assert appointment.blocks_until - appointment.ends_at == timedelta(minutes=5)
    assert [(c.old, c.new, c.by) for c in appointment.status_changes.all()] == [("", "booked", cast.ivy)]
    assert AuditEntry.objects.filter(event="appointment.booked").count() == 1


def test_a_visit_keeps_its_care_thread(cast: Cast) -> None:
    first = _book(cast)
    second = _book(cast, 600, care_thread=first.care_thread)
    assert second.care_thread == first.care_thread


def test_a_team_visit_goes_to_the_first_who_takes_it(cast: Cast) -> None:
    appointment = _book(cast, practitioner=None)
    taken = actions.claim(appointment, practitioner=cast.carl.practitioner, acting_user=cast.carl)
    assert taken.practitioner == cast.carl.practitioner
    with pytest.raises(AlreadyClaimed):
        actions.claim(appointment, practitioner=cast.anna.practitioner, acting_user=cast.anna)
    assert Appointment.objects.get(pk=appointment.pk).practitioner == cast.carl.practitioner


def test_nobody_takes_a_visit_into_a_busy_hour(cast: Cast) -> None:
    _book(cast)
    appointment = _book(cast, practitioner=None)
    with pytest.raises(SlotTaken):
        actions.claim(appointment, practitioner=cast.anna.practitioner, acting_user=cast.anna)
    assert Appointment.objects.get(pk=appointment.pk).practitioner is None


def test_a_cancelled_team_visit_cannot_be_taken(cast: Cast) -> None:
    appointment = _book(cast, practitioner=None)
    actions.cancel(appointment, acting_user=cast.ivy)
    with pytest.raises(NotMovable):
        actions.claim(appointment, practitioner=cast.anna.practitioner, acting_user=cast.anna)


def test_moving_keeps_the_length_and_may_overlap_the_old_time(cast: Cast) -> None:
    appointment = _book(cast)
    moved = actions.reschedule(appointment, starts_at=soon(70), zone="Europe/Berlin", acting_user=cast.anna)
    assert (moved.starts_at, moved.ends_at, moved.blocks_until) == (soon(70), soon(90), soon(95))


def test_a_visit_that_runs_cannot_be_moved(cast: Cast) -> None:
    appointment = _book(cast)
    actions.change_status(appointment, "in_visit", acting_user=cast.anna)
    with pytest.raises(NotMovable):
        actions.reschedule(appointment, starts_at=soon(300), zone="Europe/Berlin", acting_user=cast.anna)
    with pytest.raises(IllegalTransition):
        actions.cancel(appointment, acting_user=cast.anna)


def test_the_history_tells_how_long_somebody_waited(cast: Cast) -> None:
    appointment = _book(cast)
    for status in ("arrived", "in_visit", "in_visit", "completed"):
        actions.change_status(appointment, status, acting_user=cast.anna)
    steps = list(appointment.status_changes.values_list("old", "new"))
    assert steps == [("", "booked"), ("booked", "arrived"), ("arrived", "in_visit"), ("in_visit", "completed")]
    arrived, began = (appointment.status_changes.get(new=new).at for new in ("arrived", "in_visit"))
    assert arrived <= began <= timezone.now()


@pytest.mark.parametrize(("gap", "length"), [(12, 12), (45, 20)])
def test_a_visit_on_the_spot_ends_when_the_next_begins(cast: Cast, gap: int, length: int) -> None:
    _book(cast, 60 + gap)
    end = free_end(cast.anna.practitioner, soon(60), timedelta(minutes=20))
    assert end == soon(60) + timedelta(minutes=length)


@pytest.mark.parametrize("gap", [-10, 0, 4])
def test_less_than_five_minutes_are_not_a_visit(cast: Cast, gap: int) -> None:
    _book(cast, 60 + gap)
    with pytest.raises(SlotTaken):
        free_end(cast.anna.practitioner, soon(60), timedelta(minutes=20))
