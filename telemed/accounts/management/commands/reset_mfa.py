"""Remove every second factor of somebody who lost their devices. Check who asks before you run it."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from telemed.accounts.actions import reset_mfa
from telemed.accounts.models import User


class Command(BaseCommand):
    help = "Remove all second factors of a user and end their sessions; the next sign-in enrols a new one."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("email")

    def handle(self, *args: Any, email: str, **options: Any) -> None:
        user = User.objects.filter(email=email.strip().lower()).first()
        if user is None:
            raise CommandError("There is no user with this e-mail address.")
        count = reset_mfa(user, acting_user=None)
        self.stdout.write(f"Removed {count} and ended all sessions. The next sign-in asks for a new second factor.")
