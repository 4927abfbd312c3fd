from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from telemed.vault.keyring import current_ring
from telemed.vault.rotation import rotate_all


class Command(BaseCommand):
    help = (
        "Re-encrypt every field with the first key of FIELD_KEYS. Put the new key in front, restart all servers, run "
        "this, then drop the old keys. Safe to repeat."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--database", default="default")

    def handle(self, *args: Any, **options: Any) -> None:
        total = rotate_all(
            options["database"], lambda label, count: self.stdout.write(f"{label}: {count} re-encrypted")
        )
        self.stdout.write(f"{total} values re-encrypted; every value is under key {current_ring().current_key_id!r}")
