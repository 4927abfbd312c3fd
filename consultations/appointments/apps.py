from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AppointmentsConfig(AppConfig):
    name = "consultations.appointments"
    verbose_name = _("Appointments")

    def ready(self) -> None:
        from consultations.appointments.rules import register_rules

        register_rules()
