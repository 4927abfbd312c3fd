"""manage.py serve: pages and signaling in one process, behind the operator's TLS proxy."""

import argparse
from typing import Any

from django.core.management.base import BaseCommand


class Command(BaseCommand):
    help = "Serve the clinic's pages and visits. Put a TLS proxy in front and set PUBLIC_BASE_URL to its address."
    requires_system_checks: list[str] = []  # the server runs them itself, those of the database included

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
        parser.add_argument("--port", type=int, default=8000)

    def handle(self, *args: Any, **options: Any) -> None:
        from telemed import server

        def ready(port: int) -> None:
            self.stdout.write(f"Listening on {options['host']}:{port}")

        server.run(options["host"], options["port"], ready=ready)
