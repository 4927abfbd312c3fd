"""manage.py purge_call_metadata: the daily purge by hand or by cron, for a clinic that runs no worker."""

from typing import Any

from django.core.management.base import BaseCommand

from consultations.rooms.tasks import purge


class Command(BaseCommand):
    help = "Forget the traces of calls older than each clinic's retention (PRIV-4)."

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(f"{purge()} visits lost their traces")
