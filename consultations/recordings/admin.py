"""Recordings in the administration: read-only, with the same two decisions that the pages offer. No media here."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from consultations.clinics.admin_base import Button, ClinicScopedAdmin, ClinicScopedInline
from consultations.recordings.actions import attachments, keeping
from consultations.recordings.models import Attachment, CopyRequest, Film, Recording, Track
from consultations.rooms.refusals import Refused, sentence
from telemed.accounts.models import User


def _delete(recording: Recording, acting_user: User) -> str:
    try:
        keeping.delete_recording(recording, acting_user=acting_user)
    except Refused as refused:
        raise ValidationError(sentence(refused.code)) from None
    return _("The recording is deleted.")


def _hold(on: bool) -> Any:
    def act(recording: Recording, acting_user: User) -> str:
        try:
            keeping.set_legal_hold(recording, on, acting_user=acting_user)
        except Refused as refused:
            raise ValidationError(sentence(refused.code)) from None
        return _("The recording is kept until the hold is lifted.") if on else _("The hold is lifted.")

    return act


class FilmInline(ClinicScopedInline):
    model = Film
    clinic_path = "recording__room__appointment__clinic"
    read_only = True
    fields = readonly_fields = [
        "state",
        "failure",
        "requested_by",
        "requested_at",
        "duration_ms",
        "size_bytes",
        "withdrawn_at",
        "deleted_at",
    ]


class CopyInline(ClinicScopedInline):
    model = CopyRequest
    clinic_path = "recording__room__appointment__clinic"
    read_only = True
    fields = readonly_fields = ["state", "asked_at", "decided_by", "decided_at", "until"]


class TrackInline(ClinicScopedInline):
    model = Track
    clinic_path = "recording__room__appointment__clinic"
    read_only = True
    fields = readonly_fields = ["number", "duration_ms", "size_bytes", "complete", "withdrawn_at", "deleted_at"]


@admin.register(Recording)
class RecordingAdmin(ClinicScopedAdmin):
    clinic_path = "room__appointment__clinic"
    read_only = True
    reads_event = "recording.read"
    list_display = [
        "public_id",
        "state",
        "end_reason",
        "started_at",
        "ended_at",
        "keep_until",
        "legal_hold",
        "deleted_at",
    ]
    list_filter = ["state", "legal_hold"]
    fields = [
        "public_id",
        "room",
        "requested_by",
        "state",
        "end_reason",
        "requested_at",
        "started_at",
        "ended_at",
        "keep_until",
        "legal_hold",
        "deleted_at",
    ]
    inlines = [TrackInline, FilmInline, CopyInline]
    buttons = (
        Button(
            "hold",
            gettext_lazy("Keep until further notice"),
            gettext_lazy("Legal hold: it is not deleted, neither by its time nor by anybody."),
            _hold(True),
        ),
        Button(
            "lift-hold",
            gettext_lazy("Lift the hold"),
            gettext_lazy("Its time counts again: if that is over, it is deleted within the hour."),
            _hold(False),
        ),
        Button(
            "delete",
            gettext_lazy("Delete the recording"),
            gettext_lazy("Its files and its key are deleted. This cannot be undone."),
            _delete,
            danger=True,
        ),
    )

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def subject_of(self, obj: Any) -> str:
        return obj.room.appointment.patient.public_id


def _delete_attachment(attachment: Attachment, acting_user: User) -> str:
    attachments.delete_attachment(attachment, acting_user=acting_user)
    return _("The attachment is deleted.")


@admin.register(Attachment)
class AttachmentAdmin(ClinicScopedAdmin):
    clinic_path = "clinic"
    read_only = True
    reads_event = "attachment.read"
    list_display = ["public_id", "kind", "scan", "size_bytes", "kept_at", "deleted_at"]
    list_filter = ["kind", "scan"]
    fields = ["public_id", "room", "kind", "content_type", "size_bytes", "scan", "kept_by", "kept_at", "deleted_at"]
    buttons = (
        Button(
            "delete",
            gettext_lazy("Delete the attachment"),
            gettext_lazy("Its file and its key are deleted. This cannot be undone."),
            _delete_attachment,
            danger=True,
        ),
    )

    def has_add_permission(self, request: HttpRequest, obj: object = None) -> bool:
        return False

    def subject_of(self, obj: Any) -> str:
        return obj.room.appointment.patient.public_id
