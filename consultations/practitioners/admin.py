from django.contrib import admin

from consultations.clinics.admin_base import ClinicScopedAdmin, is_wholly_yours
from consultations.practitioners.models import Practitioner


@admin.register(Practitioner)
class PractitionerAdmin(ClinicScopedAdmin):
    clinic_path = "user__memberships__clinic"
    list_display = ["display_name", "registration_number", "registration_body"]
    search_fields = ["registration_number", "user__name"]
    fields = ["user", "title", "registration_number", "registration_body", "specialties"]

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or is_wholly_yours(request, obj.user))

    def clinic_of(self, obj):
        membership = obj.user.memberships.select_related("clinic").first()
        return membership.clinic if membership else None
