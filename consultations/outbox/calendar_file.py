"""The calendar entry that goes with a mail (RFC 5545, RFC 5546 iTIP). Calendars are shared and synchronised with
third parties, so it says neither who the visit is with nor what it is for, and it does not hold the link."""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from icalendar import Calendar, Event, vCalAddress, vText


def calendar_entry(payload: dict[str, Any], *, recipient: str, language: str, cancelled: bool) -> bytes:
    """Return the .ics text. Payload keys: uid, sequence, starts_at and ends_at (ISO, UTC), zone.

    The same `uid` with a higher `sequence` replaces the entry (RFC 5546 §2.1.4).
    """
    zone = ZoneInfo(payload["zone"])
    with translation.override(language):
        summary, description = _("Video visit"), _("The link is in the message from your practice.")
    start = datetime.fromisoformat(payload["starts_at"]).astimezone(zone)
    event = Event()
    event.add("uid", f"{payload['uid']}@{urlsplit(settings.PUBLIC_BASE_URL).hostname}")
    event.add("sequence", payload["sequence"])
    event.add("dtstamp", timezone.now())
    # With its zone, not in UTC: a calendar keeps "09:00 in Berlin" even if the law moves the clocks.
    event.add("dtstart", start)
    event.add("dtend", datetime.fromisoformat(payload["ends_at"]).astimezone(zone))
    event.add("summary", summary)
    event.add("description", description)
    event.add("class", "PRIVATE")
    event.add("status", "CANCELLED" if cancelled else "CONFIRMED")
    event.add("organizer", vCalAddress(f"mailto:{settings.DEFAULT_FROM_EMAIL}"))
    attendee = vCalAddress(f"mailto:{recipient}")
    attendee.params["RSVP"] = vText("FALSE")
    event.add("attendee", attendee, encode=False)
    calendar = Calendar()
    calendar.add("prodid", "-//Telemed//Visits//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "CANCEL" if cancelled else "REQUEST")
    calendar.add_component(event)
    # Only the rules around the visit: the whole history of a zone makes the file ten times longer.
    calendar.add_missing_timezones(
        first_date=(start - timedelta(days=365)).date(), last_date=(start + timedelta(days=365)).date()
    )
    return bytes(calendar.to_ical())
