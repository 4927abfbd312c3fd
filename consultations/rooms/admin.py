"""Visits and appointments in the administration: read-only, with buttons that call the practice's own actions."""

from collections.abc import Iterator
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import admin
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consultations.appointments.errors import NotMovable
from consultations.appointments.models import Appointment, StatusChange
from consultations.clinics.admin_base import Button, ClinicScopedAdmin, ClinicScopedInline, administers, clinics_of
from consultations.outbox.models import Message
from consultations.rooms.actions import booking
from consultations.rooms.models import Participant, Room
from consultations.rooms.relay_use import relay_use_in
from consultations.rooms.story.clinic_page import Days, describe_numbers
from consultations.rooms.story.counting import count
from consultations.rooms.story.loading import ended_visits, load_ended
from telemed.accounts.models import User


def _cancel(appointment: Appointment, acting_user: User) -> str:
    if appointment.status != Appointment.Status.BOOKED:
        raise ValidationError(_("Only a visit that nobody has come to yet can be cancelled."))
    booking.cancel_visit(appointment, acting_user=acting_user)
    return _("The visit is cancelled. The patient was told.")


def _send_new_link(appointment: Appointment, acting_user: User) -> str:
    seat = appointment.room.participants.get(role=Participant.Role.PATIENT)
    try:
        booking.send_new_link(seat, acting_user=acting_user)
    except NotMovable:
        raise ValidationError(_("This visit is over, so there is no link to send.")) from None
    return _("A new link is on its way. Earlier links keep working.")


def _resend(message: Message, acting_user: User) -> str:
    appointment = Appointment.objects.filter(public_id=message.subject, clinic=message.clinic).first()
    if appointment is None:
        raise ValidationError(_("This message is about no visit, so there is nothing to send again."))
    return _send_new_link(appointment, acting_user)


class StatusChangeInline(ClinicScopedInline):
    model = StatusChange
    clinic_path = "appointment__clinic"
    read_only = True
    fields = readonly_fields = ["at", "old", "new", "by"]


@admin.register(Appointment)
class AppointmentAdmin(ClinicScopedAdmin):
    read_only = True
    reads_event = "appointment.read"
    list_display = ["public_id", "starts_at", "practitioner", "visit_type", "status"]
    list_filter = ["status"]
    search_fields = ["=public_id"]
    date_hierarchy = "starts_at"
    list_select_related = ["practitioner__user", "visit_type"]
    inlines = [StatusChangeInline]
    buttons = (
        Button(
            "send-link",
            gettext_lazy("Send a new link"),
            gettext_lazy("The patient gets a fresh link by e-mail or text message."),
            _send_new_link,
        ),
        Button(
            "cancel",
            gettext_lazy("Cancel the visit"),
            gettext_lazy("The patient is told, and every link to this visit stops working. This cannot be undone."),
            _cancel,
            danger=True,
        ),
    )

    def subject_of(self, obj: Any) -> str:
        return obj.patient.public_id


class ParticipantInline(ClinicScopedInline):
    """Who took part, by role. Where they were and how to reach them is for those who treat, not for administration."""

    model = Participant
    clinic_path = "room__appointment__clinic"
    read_only = True
    fields = readonly_fields = [
        "role",
        "kind",
        "state",
        "identity_outcome",
        "arrived_at",
        "admitted_at",
        "left_at",
        "end_reason",
    ]


# Of the two the visit's story says more: between the devices a relay may have been needed.
_ROUTES = {"p2p": gettext_lazy("Between the devices"), "sfu": gettext_lazy("Clinic's server")}


class RouteFilter(admin.AllValuesFieldListFilter):
    """Every route there was; a visit without one has a word too, else its link is empty for a screen reader."""

    def choices(self, changelist: Any) -> Iterator[dict[str, Any]]:
        for choice in super().choices(changelist):
            display = choice["display"]
            yield {**choice, "display": _("None yet") if display == "" else str(_ROUTES.get(display, display))}


@admin.register(Room)
class RoomAdmin(ClinicScopedAdmin):
    clinic_path = "appointment__clinic"
    read_only = True
    reads_event = "room.read"
    list_display = ["code", "state", "way", "opened_at", "ended_at", "outcome"]
    list_filter = ["state", ("route", RouteFilter), "outcome"]
    fields = [
        "code",
        "appointment",
        "seats",
        "state",
        "way",
        "route_reasons",
        "opened_at",
        "live_at",
        "ended_at",
        "outcome",
    ]
    inlines = [ParticipantInline]
    change_form_template = "admin/rooms/room/change_form.html"

    def get_urls(self) -> list[URLPattern]:
        page = self.admin_site.admin_view(self.connections)
        return [path("connections/", page, name="rooms_room_connections"), *super().get_urls()]

    def connections(self, request: HttpRequest) -> HttpResponse:
        """How well the visits of the person's clinics connect, in a range of days. Counts only."""
        if not administers(request):
            raise PermissionDenied
        clinics = list(clinics_of(request.user))
        wanted = request.GET.get("clinic", "")
        chosen = next((clinic for clinic in clinics if clinic.public_id == wanted), None)
        shown = [chosen] if chosen else clinics
        zone = ZoneInfo(shown[0].time_zone)
        today = timezone.now().astimezone(zone).date()
        days = Days.read(request.GET, today)
        visits, now = ended_visits(shown, *days.moments(zone)), timezone.now()
        context = {
            **self.admin_site.each_context(request),
            "title": _("How well visits connect"),
            "clinics": clinics,
            "chosen": chosen,
            "first": days.first,
            "last": days.last,
            "today": today,
            "mended": days.mended,
            "kept_days": min(clinic.retention_days for clinic in shown),
            "numbers": describe_numbers(count(load_ended(visits), now=now), relay_use_in(visits, now=now)),
        }
        return TemplateResponse(request, "admin/rooms/room/connections.html", context)

    @admin.display(description=gettext_lazy("media route"), ordering="route")
    def way(self, room: Room) -> str:
        return str(_ROUTES.get(room.route, room.route))

    def subject_of(self, obj: Any) -> str:
        return obj.appointment.patient.public_id


@admin.register(Message)
class MessageAdmin(ClinicScopedAdmin):
    """What was sent and what failed. Recipient and text stay encrypted: nobody needs them here."""

    read_only = True
    list_display = ["event", "channel", "language", "state", "attempts", "created_at", "sent_at"]
    list_filter = ["state", "channel", "event"]
    fields = [
        "event",
        "channel",
        "language",
        "template_version",
        "subject",
        "state",
        "attempts",
        "error_code",
        "created_at",
        "sent_at",
    ]
    buttons = (
        Button(
            "resend",
            gettext_lazy("Send again"),
            gettext_lazy("Makes a new link and sends it: the old message's text was deleted when it went out."),
            _resend,
        ),
    )
