from typing import TYPE_CHECKING

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from telemed.accounts.models import User


class ClinicsConfig(AppConfig):
    name = "consultations.clinics"
    verbose_name = _("Clinics")

    def ready(self) -> None:
        from telemed.accounts.mfa import register_passkey_rule

        register_passkey_rule(manages_a_clinic)


def manages_a_clinic(user: "User") -> bool:
    """Return whether the user is a clinic admin anywhere: their sign-in needs a passkey (SEC-5)."""
    from consultations.clinics.models import Membership

    return Membership.objects.filter(user=user, role=Membership.Role.CLINIC_ADMIN, active=True).exists()
