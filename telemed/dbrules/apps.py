from django.apps import AppConfig
from django.db.models.signals import post_migrate


class DbrulesConfig(AppConfig):
    name = "telemed.dbrules"
    label = "dbrules"
    verbose_name = "Database rules"

    def ready(self) -> None:
        from telemed.dbrules import checks  # noqa: F401  registers the check
        from telemed.dbrules.installer import install_after_migrate

        # No sender: post_migrate fires once per app and any of them may have rebuilt a table.
        post_migrate.connect(install_after_migrate, dispatch_uid="dbrules.install")
