from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "telemed.accounts"

    def ready(self) -> None:
        from telemed.accounts import admin_login, receivers, secrets
        from telemed.vault.rotation import register_rotator

        receivers.connect()
        register_rotator("mfa.Authenticator", secrets.rotate)
        admin_login.close_side_doors()
