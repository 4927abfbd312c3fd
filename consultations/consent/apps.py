from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class ConsentConfig(AppConfig):
    name = "consultations.consent"
    verbose_name = _("Consents")

    def ready(self) -> None:
        from consultations.consent.rules import register_rules

        register_rules()
