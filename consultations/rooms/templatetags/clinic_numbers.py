"""The numbers on the administration's home page: counts only, drawn on the server."""

from collections import Counter
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django import template
from django.db.models import Avg, F, QuerySet
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _

from consultations.appointments.models import Appointment
from consultations.clinics.admin_base import clinics_of
from consultations.rooms.models import Participant, RouteDecision
from telemed.accounts.models import User

register = template.Library()

DAYS = 14
WIDTH, BASE_Y, BAR_WIDTH = 560, 110, 24
Status = Appointment.Status
KIND_OF_STATUS = {
    Status.COMPLETED: "done",
    Status.BOOKED: "open",
    Status.ARRIVED: "open",
    Status.IN_VISIT: "open",
    Status.NO_SHOW: "missed",
    Status.CANCELLED: "cancelled",
}


@register.simple_tag
def clinic_numbers(user: User) -> dict[str, Any] | None:
    """Return tiles and a chart for all clinics that `user` administers, or None if there are none. Five queries."""
    clinics = list(clinics_of(user))
    if not clinics:
        return None
    zone = ZoneInfo(clinics[0].time_zone)
    today = timezone.now().astimezone(zone).date()
    visits = Appointment.objects.filter(clinic__in=clinics)
    return {"tiles": _tiles(visits, today, zone), "chart": _chart(visits, today, zone)}


def _start(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)


def _tiles(visits: QuerySet[Appointment], today: date, zone: ZoneInfo) -> list[dict[str, Any]]:
    span = (_start(today, zone), _start(today + timedelta(days=1), zone))
    todays = visits.filter(starts_at__gte=span[0], starts_at__lt=span[1])
    states = Counter(todays.values_list("status", flat=True))
    wait = Participant.objects.filter(room__appointment__in=todays, admitted_at__isnull=False).aggregate(
        mean=Avg(F("admitted_at") - F("arrived_at"))
    )["mean"]
    decisions = RouteDecision.objects.filter(room__appointment__in=todays)
    refused = decisions.filter(refused=True).count()
    return [
        {"label": _("Visits"), "value": sum(states.values()) - states[Status.CANCELLED]},
        {"label": _("Waiting now"), "value": states[Status.ARRIVED]},
        {"label": _("In visit"), "value": states[Status.IN_VISIT]},
        {"label": _("Done"), "value": states[Status.COMPLETED]},
        {"label": _("Did not come"), "value": states[Status.NO_SHOW]},
        {
            "label": _("Mean wait"),
            "value": _("{minutes} min").format(minutes=round(wait.total_seconds() / 60)) if wait is not None else "–",
            "note": _("from arrival to admission"),
        },
        {"label": _("Routes refused"), "value": refused},
    ]


def _chart(visits: QuerySet[Appointment], today: date, zone: ZoneInfo) -> dict[str, Any]:
    first = today - timedelta(days=DAYS - 1)
    rows = visits.filter(starts_at__gte=_start(first, zone), starts_at__lt=_start(today + timedelta(days=1), zone))
    counts: dict[date, Counter[str]] = {first + timedelta(days=i): Counter() for i in range(DAYS)}
    for starts_at, status in rows.values_list("starts_at", "status"):
        counts[starts_at.astimezone(zone).date()][KIND_OF_STATUS[Status(status)]] += 1
    top = max([sum(day.values()) for day in counts.values()] + [1])
    step = WIDTH / DAYS
    names = {"done": _("done"), "open": _("open"), "missed": _("did not come"), "cancelled": _("cancelled")}
    bars = []
    for index, (day, states) in enumerate(counts.items()):
        x, y, parts = index * step + (step - BAR_WIDTH) / 2, float(BASE_Y), []
        for kind in names:
            height = round(states[kind] / top * (BASE_Y - 6), 1)
            if height:
                y -= height
                parts.append({"kind": kind, "y": f"{y:.1f}", "height": f"{height:.1f}"})
        words = ", ".join(f"{states[kind]} {name}" for kind, name in names.items() if states[kind]) or _("no visits")
        bars.append(
            {
                "x": f"{x:.1f}",
                "middle": f"{x + BAR_WIDTH / 2:.1f}",
                "width": BAR_WIDTH,
                "parts": parts,
                "label": day.day,
                "title": f"{date_format(day, _('l, j F'))}: {words}",
            }
        )
    return {
        "width": WIDTH,
        "height": BASE_Y + 22,
        "base_y": BASE_Y,
        "label_y": BASE_Y + 16,
        "bars": bars,
        "legend": list(names.items()),
        "description": "; ".join(str(bar["title"]) for bar in bars),
    }
