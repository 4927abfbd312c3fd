"""A wall-clock time becomes one instant, or a question (REL-9)."""

from datetime import UTC, datetime

import pytest
from django.core.exceptions import ValidationError

from consultations.appointments.forms import TimeForm, clean_contact, split_contact


def _form(date: str, time: str, zone: str, fold: str = "") -> TimeForm:
    form = TimeForm({"date": date, "time": time, "zone": zone, "fold": fold}, zones=[zone])
    form.is_valid()
    return form


@pytest.mark.parametrize(
    ("date", "time", "zone", "utc"),
    [
        ("2026-07-01", "09:00", "Europe/Berlin", datetime(2026, 7, 1, 7, tzinfo=UTC)),
        ("2026-12-01", "09:00", "Europe/Berlin", datetime(2026, 12, 1, 8, tzinfo=UTC)),
        ("2026-12-01", "09:00", "Asia/Kathmandu", datetime(2026, 12, 1, 3, 15, tzinfo=UTC)),
        ("2026-12-01", "09:00", "Australia/Lord_Howe", datetime(2026, 11, 30, 22, tzinfo=UTC)),
    ],
)
def test_a_time_is_stored_as_its_instant(date: str, time: str, zone: str, utc: datetime) -> None:
    assert _form(date, time, zone).cleaned_data["starts_at"] == utc


@pytest.mark.parametrize(
    ("date", "time", "zone"),
    [
        ("2027-03-28", "02:30", "Europe/Berlin"),
        ("2027-03-14", "02:30", "America/New_York"),
        ("2026-10-04", "02:15", "Australia/Lord_Howe"),
    ],
)
def test_a_time_that_the_clock_skips_is_refused(date: str, time: str, zone: str) -> None:
    form = _form(date, time, zone)
    assert "jump over" in form.errors["time"][0]
    assert "starts_at" not in form.cleaned_data


@pytest.mark.parametrize(
    ("date", "time", "zone", "first", "second"),
    [
        ("2026-10-25", "02:30", "Europe/Berlin", "2026-10-25T00:30", "2026-10-25T01:30"),
        ("2026-11-01", "01:30", "America/New_York", "2026-11-01T05:30", "2026-11-01T06:30"),
        ("2027-04-04", "01:45", "Australia/Lord_Howe", "2027-04-03T14:45", "2027-04-03T15:15"),
    ],
)
def test_a_time_that_comes_twice_is_asked(date: str, time: str, zone: str, first: str, second: str) -> None:
    form = _form(date, time, zone)
    assert form.asks_fold
    assert "fold" in form.errors
    for fold, expected in (("0", first), ("1", second)):
        answered = _form(date, time, zone, fold)
        assert answered.cleaned_data["starts_at"] == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_zone_that_was_not_offered_is_refused() -> None:
    form = TimeForm({"date": "2026-12-01", "time": "09:00", "zone": "Asia/Tokyo"}, zones=["Europe/Berlin"])
    assert "zone" in form.errors


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("+49 (170) 123-4567", "+491701234567"),
        ("0049 170 1234567", "+491701234567"),
        ("Eva@X.example", "Eva@X.example"),
    ],
)
def test_a_contact_is_an_address_or_a_number(typed: str, kept: str) -> None:
    contact = clean_contact(typed)
    assert contact == kept
    assert sorted(split_contact(contact).values()) == ["", kept]


@pytest.mark.parametrize("typed", ["Eva", "eva@", "+", "12", "0170 12345678901234567", "tel:0170"])
def test_anything_else_is_refused_with_an_example(typed: str) -> None:
    with pytest.raises(ValidationError, match="such as"):
        clean_contact(typed)
