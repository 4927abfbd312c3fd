"""The practitioner's day: one list by time, refreshed in place."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from consultations.clinics.access import Role, clinics_of, get_clinic_for, has_role
from consultations.patients.access import record_read
from consultations.rooms.practice.day import Row, build_day
from consultations.rooms.practice.zones import today_of
from telemed.accounts.decorators import staff_required

# Session key: the day, and whose visits this session has already been shown on it.
_SEEN = "today_seen"


@require_safe
@never_cache
@staff_required
def today(request: HttpRequest) -> HttpResponse:
    return render(request, "appointments/today.html", _context(request))


@require_safe
@never_cache
@staff_required
def today_list(request: HttpRequest) -> HttpResponse:
    """The list alone, for the page to put in place of the old one."""
    return render(request, "appointments/_list.html", _context(request))


def _context(request: HttpRequest) -> dict[str, Any]:
    user = request.user
    clinics = list(clinics_of(user))
    chosen = get_clinic_for(user, request.GET["clinic"]) if request.GET.get("clinic") else None
    rows = build_day(user, chosen)
    _record_reads(request, rows)
    return {
        "rows": rows,
        "clinics": clinics,
        "chosen": chosen,
        "clinic": chosen or (clinics[0] if len(clinics) == 1 else None),
        "treats": any(has_role(user, clinic, Role.PRACTITIONER) for clinic in clinics),
        "day": today_of(user),
        "waiting": sum(row.waits for row in rows),
    }


def _record_reads(request: HttpRequest, rows: list[Row]) -> None:
    """Audit every patient who is shown, once per session and day: the list reloads itself every few seconds."""
    day = today_of(request.user).isoformat()
    seen = request.session.get(_SEEN, {})
    known = set(seen.get("visits", [])) if seen.get("day") == day else set()
    unseen = [row.appointment for row in rows if row.appointment.public_id not in known]
    if not unseen:
        return
    with transaction.atomic():
        for appointment in unseen:
            record_read(appointment.patient, acting_user=request.user, purpose="today")
    request.session[_SEEN] = {"day": day, "visits": sorted(known | {a.public_id for a in unseen})}
