"""The database itself refuses overlaps, whatever code writes: here by plain rows, on both databases."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from consultations.appointments.models import Appointment, CareThread
from consultations.appointments.rules import NO_OVERLAP
from telemed.dbrules.installer import missing_rules
from tests.base import Cast, soon


def _row(cast: Cast, starts_at: datetime, minutes: int = 20, buffer: int = 5, **fields: Any) -> Appointment:
    thread = CareThread.objects.create(clinic=cast.harbour, patient=cast.paul)
    ends_at = starts_at + timedelta(minutes=minutes)
    values: dict[str, Any] = {
        "clinic": cast.harbour,
        "care_thread": thread,
        "patient": cast.paul,
        "practitioner": cast.anna.practitioner,
        "visit_type": cast.talk,
        "starts_at": starts_at,
        "ends_at": ends_at,
        "blocks_until": ends_at + timedelta(minutes=buffer),
        "zone": "Europe/Berlin",
    }
    return Appointment.objects.create(**{**values, **fields})


def _refused(cast: Cast, starts_at: datetime, **fields: Any) -> bool:
    try:
        with transaction.atomic():
            _row(cast, starts_at, **fields)
    except IntegrityError as error:
        return NO_OVERLAP in str(error)
    return False


def test_the_rule_stands_after_the_full_migration(db: None) -> None:
    assert NO_OVERLAP not in {rule.name for rule in missing_rules()}
    with connections["default"].cursor() as cursor:
        cursor.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'appointments_appointment'"
        )
        assert {name for (name,) in cursor.fetchall()} == {NO_OVERLAP, f"{NO_OVERLAP}_insert"}


@pytest.mark.parametrize("shift", [-24, -1, 0, 10, 24])
def test_an_overlap_is_refused_buffers_included(cast: Cast, shift: int) -> None:
    _row(cast, soon(60))
    assert _refused(cast, soon(60) + timedelta(minutes=shift))


@pytest.mark.parametrize("shift", [-25, 25])
def test_visits_may_touch(cast: Cast, shift: int) -> None:
    _row(cast, soon(60))
    assert not _refused(cast, soon(60) + timedelta(minutes=shift))


def test_a_short_visit_inside_a_long_one_is_refused(cast: Cast) -> None:
    _row(cast, soon(60), minutes=90)
    assert _refused(cast, soon(90), minutes=5, buffer=0)


@pytest.mark.parametrize("status", ["cancelled", "no_show", "completed"])
def test_a_visit_that_is_over_frees_its_time(cast: Cast, status: str) -> None:
    _row(cast, soon(60), status=status)
    assert not _refused(cast, soon(60))


def test_the_rule_holds_for_one_person_only(cast: Cast) -> None:
    _row(cast, soon(60))
    assert not _refused(cast, soon(60), practitioner=cast.carl.practitioner)
    assert not _refused(cast, soon(60), practitioner=None)
    assert not _refused(cast, soon(60), practitioner=None)


def test_it_holds_across_clinics(cast: Cast) -> None:
    _row(cast, soon(60))
    assert _refused(cast, soon(60), clinic=cast.hill)


@pytest.mark.parametrize(
    "change", [{"practitioner": "anna"}, {"status": "booked"}, {"starts_at": 60}], ids=["claim", "revive", "move"]
)
def test_an_update_cannot_slip_in(cast: Cast, change: dict[str, Any]) -> None:
    _row(cast, soon(60))
    fields: dict[str, Any] = {}
    if "practitioner" in change:
        other, fields = _row(cast, soon(60), practitioner=None), {"practitioner": cast.anna.practitioner}
    elif "status" in change:
        other, fields = _row(cast, soon(60), status="cancelled"), change
    else:
        other = _row(cast, soon(200))
        fields = {"starts_at": soon(60), "ends_at": soon(80), "blocks_until": soon(85)}
    with pytest.raises(IntegrityError, match=NO_OVERLAP), transaction.atomic():
        Appointment.objects.filter(pk=other.pk).update(**fields)


def test_an_unchanged_row_does_not_collide_with_itself(cast: Cast) -> None:
    row = _row(cast, soon(60))
    Appointment.objects.filter(pk=row.pk).update(status="arrived", starts_at=row.starts_at)


def test_an_end_before_the_start_is_refused(cast: Cast) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        _row(cast, timezone.now(), minutes=-5)
