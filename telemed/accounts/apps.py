from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "telemed.accounts"

    def ready(self) -> None:
        from telemed.accounts import admin_login, receivers

        receivers.connect()
        admin_login.close_side_doors()
