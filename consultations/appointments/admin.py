from django.contrib import admin

from consultations.appointments.models import VisitType
from consultations.clinics.admin_base import ClinicScopedAdmin


@admin.register(VisitType)
class VisitTypeAdmin(ClinicScopedAdmin):
    list_display = ["name", "duration_minutes", "buffer_minutes", "privacy_class", "quality_profile", "active"]
    list_filter = ["active"]
    fields = [
        "clinic",
        "name",
        "duration_minutes",
        "buffer_minutes",
        "is_group",
        "max_participants",
        "quality_profile",
        "privacy_class",
        "active",
    ]
