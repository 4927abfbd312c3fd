from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in


class DemoConfig(AppConfig):
    name = "consultations.demo"

    def ready(self) -> None:
        from consultations.demo import checks  # noqa: F401  registers the checks
        from consultations.demo.people import refuse_demo_login

        user_logged_in.connect(refuse_demo_login, dispatch_uid="demo.refuse_login")
