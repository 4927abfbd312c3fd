from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from consultations.appointments.models import VisitType
from consultations.clinics.admin_base import ClinicScopedAdmin


@admin.register(VisitType)
class VisitTypeAdmin(ClinicScopedAdmin):
    list_display = ["name", "duration_minutes", "buffer_minutes", "privacy_class", "quality_profile", "active"]
    list_filter = ["active"]
    fieldsets = [
        (None, {"fields": ["clinic", "name", "duration_minutes", "buffer_minutes", "active"]}),
        (
            _("How people are connected"),
            {
                "fields": ["is_group", "max_participants", "quality_profile", "privacy_class"],
                "description": _(
                    "Two people are connected directly. For three or more, the clinic's media server passes everything"
                    " on, encrypted from person to person. It never mixes: a server that mixes has to see and hear every"
                    " visit, and needs about forty times the computing power. What counts as good and as unacceptable"
                    " follows the quality profile; the clinic's page has your own limits."
                ),
            },
        ),
    ]
