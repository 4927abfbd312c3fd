"""Patients are read here and changed in the practice's own pages."""

from typing import Any

from django.contrib import admin

from consultations.clinics.admin_base import ClinicScopedAdmin, ClinicScopedInline
from consultations.patients.models import Patient, PatientRelation


class PatientRelationInline(ClinicScopedInline):
    model = PatientRelation
    fk_name = "patient"
    clinic_path = "patient__clinic"
    read_only = True
    fields = readonly_fields = ["kind", "name", "valid_until"]


@admin.register(Patient)
class PatientAdmin(ClinicScopedAdmin):
    """The list shows no name (SEC-23); opening one row does, and is logged."""

    read_only = True
    reads_event = "patient.read"
    list_display = ["public_id", "language", "clinic", "created_at"]
    search_fields = ["=public_id"]
    fields = ["public_id", "name", "birth_date", "language", "time_zone", "email", "phone", "clinic", "created_at"]
    inlines = [PatientRelationInline]

    def subject_of(self, obj: Any) -> str:
        return obj.public_id
