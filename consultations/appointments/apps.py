from django.apps import AppConfig


class AppointmentsConfig(AppConfig):
    name = "consultations.appointments"

    def ready(self) -> None:
        from consultations.appointments.rules import register_rules

        register_rules()
