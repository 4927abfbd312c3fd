from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "telemed.accounts"
    verbose_name = _("Accounts")

    def ready(self) -> None:
        from telemed.accounts import admin_login, receivers, secrets
        from telemed.vault.rotation import register_rotator

        receivers.connect()
        register_rotator("mfa.Authenticator", secrets.rotate)
        admin_login.close_side_doors()
