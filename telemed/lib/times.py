"""Local wall-clock time and UTC: the two days a year when they do not map one to one (REL-9).

In spring some wall-clock times do not exist; in autumn some exist twice. Both are errors of the input that a
person has to settle, so these helpers raise instead of guessing. Zones are `zoneinfo.ZoneInfo`.
"""

from datetime import UTC, datetime
from enum import Enum
from zoneinfo import ZoneInfo


class WallTime(Enum):
    """How a wall-clock time relates to real time in a zone."""

    UNIQUE = "unique"
    AMBIGUOUS = "ambiguous"  # happens twice: the hour the clocks are set back
    MISSING = "missing"  # never happens: the hour the clocks jump over


class MissingLocalTime(ValueError):
    """The wall clock skips this time."""


class AmbiguousLocalTime(ValueError):
    """The wall clock shows this time twice; pass `fold` 0 for the first, 1 for the second."""


def classify_wall_time(naive: datetime, zone: ZoneInfo) -> WallTime:
    """Return whether `naive` happens once, twice or never in `zone`. An aware datetime raises ValueError."""
    if naive.tzinfo is not None:
        raise ValueError("expected a wall-clock time without a zone")
    first = naive.replace(tzinfo=zone, fold=0)
    second = naive.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return WallTime.UNIQUE
    # PEP 495: in a gap fold=0 uses the offset before the jump, so the way through UTC does not come back.
    round_trip = first.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0)
    return WallTime.AMBIGUOUS if round_trip == naive.replace(fold=0) else WallTime.MISSING


def is_ambiguous_or_missing(local_dt: datetime, zone: ZoneInfo) -> bool:
    """Return whether a naive wall-clock time fails to name exactly one instant in `zone`."""
    return classify_wall_time(local_dt, zone) is not WallTime.UNIQUE


def local_to_utc(naive: datetime, zone: ZoneInfo, *, fold: int | None = None) -> datetime:
    """Return the instant (aware, UTC) of a wall-clock time.

    `fold` chooses between the two instants of an ambiguous time (0 first, 1 second) and is ignored for the
    others, because a form may always send it. Raises MissingLocalTime, or AmbiguousLocalTime without a fold.
    """
    kind = classify_wall_time(naive, zone)
    if kind is WallTime.MISSING:
        raise MissingLocalTime(f"{naive:%Y-%m-%d %H:%M} does not exist in {zone.key}")
    if kind is WallTime.AMBIGUOUS:
        if fold is None:
            raise AmbiguousLocalTime(f"{naive:%Y-%m-%d %H:%M} happens twice in {zone.key}")
        if fold not in (0, 1):
            raise ValueError("fold is 0 or 1")
        return naive.replace(tzinfo=zone, fold=fold).astimezone(UTC)
    return naive.replace(tzinfo=zone, fold=0).astimezone(UTC)


def utc_to_local(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the aware wall-clock time of an aware instant. A naive datetime raises ValueError."""
    if instant.tzinfo is None:
        raise ValueError("expected an aware datetime")
    return instant.astimezone(zone)
