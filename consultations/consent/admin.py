from typing import Any

from django.contrib import admin
from django.db import models
from django.http import HttpRequest

from consultations.clinics.admin_base import ClinicScopedAdmin, administers
from consultations.consent.models import ConsentRecord, ConsentText


@admin.register(ConsentText)
class ConsentTextAdmin(ClinicScopedAdmin):
    """Texts are the same for all clinics and never edited: a change ships as a new version."""

    read_only = True
    list_display = ["purpose", "language", "version", "title", "reviewed_at"]
    list_filter = ["purpose", "language"]

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[ConsentText]:
        return ConsentText.objects.all() if administers(request) else ConsentText.objects.none()

    def clinic_of(self, obj: Any) -> None:
        return None


@admin.register(ConsentRecord)
class ConsentRecordAdmin(ClinicScopedAdmin):
    clinic_path = "appointment__clinic"
    read_only = True
    reads_event = "consent.read"
    list_display = ["appointment", "purpose", "decision", "capacity", "decided_at", "withdrawn_at"]
    list_filter = ["purpose", "decision"]

    def subject_of(self, obj: Any) -> str:
        return obj.appointment.patient.public_id
