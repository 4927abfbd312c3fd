# ruff: noqa: DTZ001  wall-clock times are what this part is about
"""REL-9: no appointment in a spring gap, the autumn hour is unambiguous."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from telemed.lib.times import (
    AmbiguousLocalTime,
    MissingLocalTime,
    WallTime,
    classify_wall_time,
    is_ambiguous_or_missing,
    local_to_utc,
    utc_to_local,
)

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LORD_HOWE, KATHMANDU = ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu")

# (zone, first minute after the jump began, minutes of the jump)
SPRING = [
    (BERLIN, datetime(2027, 3, 28, 2, 0), 60),
    (NEW_YORK, datetime(2027, 3, 14, 2, 0), 60),
    (LORD_HOWE, datetime(2026, 10, 4, 2, 0), 30),
]
# (zone, start of the repeated wall-clock span, minutes, UTC of its first and second start)
AUTUMN = [
    (BERLIN, datetime(2026, 10, 25, 2, 0), 60, "2026-10-25T00:00", "2026-10-25T01:00"),
    (NEW_YORK, datetime(2026, 11, 1, 1, 0), 60, "2026-11-01T05:00", "2026-11-01T06:00"),
    (LORD_HOWE, datetime(2027, 4, 4, 1, 30), 30, "2027-04-03T14:30", "2027-04-03T15:00"),
]
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("zone, start, minutes", SPRING)
def test_every_minute_of_the_spring_gap_is_refused(zone: ZoneInfo, start: datetime, minutes: int) -> None:
    for minute in range(minutes):
        wall = start + minute * MINUTE
        assert classify_wall_time(wall, zone) is WallTime.MISSING
        for fold in (None, 0, 1):
            with pytest.raises(MissingLocalTime):
                local_to_utc(wall, zone, fold=fold)
    for neighbour in (start - MINUTE, start + minutes * MINUTE):
        assert classify_wall_time(neighbour, zone) is WallTime.UNIQUE
    before, after = local_to_utc(start - MINUTE, zone), local_to_utc(start + minutes * MINUTE, zone)
    assert after - before == MINUTE


@pytest.mark.parametrize("zone, start, minutes, first, second", AUTUMN)
def test_the_autumn_hour_needs_a_fold(zone: ZoneInfo, start: datetime, minutes: int, first: str, second: str) -> None:
    for minute in range(minutes):
        wall = start + minute * MINUTE
        assert classify_wall_time(wall, zone) is WallTime.AMBIGUOUS
        with pytest.raises(AmbiguousLocalTime):
            local_to_utc(wall, zone)
        assert local_to_utc(wall, zone, fold=1) - local_to_utc(wall, zone, fold=0) == minutes * MINUTE
    assert local_to_utc(start, zone, fold=0) == datetime.fromisoformat(first).replace(tzinfo=UTC)
    assert local_to_utc(start, zone, fold=1) == datetime.fromisoformat(second).replace(tzinfo=UTC)
    for neighbour in (start - MINUTE, start + minutes * MINUTE):
        assert not is_ambiguous_or_missing(neighbour, zone)


def test_a_zone_without_changes_takes_every_time() -> None:
    assert local_to_utc(datetime(2026, 10, 25, 2, 30), KATHMANDU) == datetime(2026, 10, 24, 20, 45, tzinfo=UTC)
    assert not is_ambiguous_or_missing(datetime(2026, 10, 25, 2, 30), KATHMANDU)


def test_an_unneeded_fold_changes_nothing() -> None:
    wall = datetime(2026, 7, 1, 12, 0)
    expected = datetime(2026, 7, 1, 10, 0, tzinfo=UTC)
    assert [local_to_utc(wall, BERLIN, fold=fold) for fold in (None, 0, 1)] == [expected] * 3


def test_local_and_utc_are_inverse_through_both_changes() -> None:
    for zone, start, *_ in (*SPRING, *AUTUMN):
        instant = start.replace(tzinfo=UTC) - timedelta(days=1)
        for _ in range(288):
            local = utc_to_local(instant, zone)
            assert local_to_utc(local.replace(tzinfo=None, fold=0), zone, fold=local.fold) == instant
            instant += timedelta(minutes=10)


def test_misuse_is_refused() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        local_to_utc(datetime(2026, 7, 1, tzinfo=UTC), BERLIN)
    with pytest.raises(ValueError, match="aware"):
        utc_to_local(datetime(2026, 7, 1), BERLIN)
    with pytest.raises(ValueError, match="fold"):
        local_to_utc(datetime(2026, 10, 25, 2, 30), BERLIN, fold=2)
