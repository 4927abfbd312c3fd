"""Times as a person's own clock shows them, with the zone named when two people's clocks differ (REL-9)."""

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.templatetags.tz import do_timezone
from django.utils import timezone

from consultations.appointments.models import Appointment
from telemed.accounts.models import User


@dataclass(frozen=True)
class When:
    """`starts` and `ends` in the viewer's zone; `others` are clocks that show something else: (place, start)."""

    starts: datetime
    ends: datetime
    place: str
    others: list[tuple[str, datetime]]

    @property
    def another_day(self) -> bool:
        """Whether it is not the viewer's today."""
        return self.starts.date() != timezone.now().astimezone(self.starts.tzinfo).date()


def zone_of(user: User) -> ZoneInfo:
    return ZoneInfo(user.time_zone)


def today_of(user: User) -> date:
    return timezone.now().astimezone(zone_of(user)).date()


def place_name(zone: str) -> str:
    """The city in an IANA name, which is what people know: America/New_York is New York."""
    return zone.rpartition("/")[2].replace("_", " ")


def local_time(instant: datetime, zone: ZoneInfo) -> datetime:
    """Return the instant on that zone's clock, marked so that templates do not turn it back into the site's zone."""
    local: datetime = do_timezone(instant, zone)
    return local


def when_for(user: User, appointment: Appointment) -> When:
    """Return the appointment's time for this viewer; `clinic` and `patient` must be loaded."""
    mine = zone_of(user)
    starts = local_time(appointment.starts_at, mine)
    others = []
    for key in dict.fromkeys((appointment.zone, appointment.patient.time_zone or appointment.clinic.time_zone)):
        theirs = local_time(appointment.starts_at, ZoneInfo(key))
        if theirs.utcoffset() != starts.utcoffset():
            others.append((place_name(key), theirs))
    return When(starts, local_time(appointment.ends_at, mine), place_name(mine.key), others)
