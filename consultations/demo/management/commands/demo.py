"""manage.py demo: a running practice on this machine, with links to enter it."""

import argparse
import ipaddress
import json
import sys
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError

from consultations.demo.environment import add_arguments
from consultations.rooms.management.commands.serve import add_roles


class Command(BaseCommand):
    help = "Set up a demo practice and serve it on this machine only."
    requires_system_checks: list[str] = []  # the tables they look at come with the first start

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        add_arguments(parser)
        add_roles(parser)

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("start it as `manage.py demo`: manage.py sets DEMO before the settings are read")
        if not _is_loopback(options["host"]):
            raise CommandError("the demo listens on this machine only: its sign-in needs no password")
        out = sys.stdout
        if options["json"]:
            # One line of JSON and nothing else: the demo's mails, which go to standard output, go to standard error.
            sys.stdout = sys.stderr
        settings.STATIC_ROOT.mkdir(exist_ok=True)  # WhiteNoise warns without it, though the demo serves from the source
        call_command("migrate", verbosity=0, interactive=False)
        # Imported late: they need the settings and the tables.
        from consultations.demo.actions.group import seed_group
        from consultations.demo.actions.seed import seed
        from consultations.rooms.management.commands.serve import serve

        links = demo_links(seed(), seed_group())

        def ready(port: int) -> None:
            print(json.dumps(links) if options["json"] else welcome(links), file=out, flush=True)

        if code := serve(options, ready, drains=False, jobs=settings.JOBS == "worker"):
            sys.exit(code)


def demo_links(token: str, group: dict[str, str]) -> dict[str, str]:
    """Return the addresses of the demo. `token` is the patient's join token, `group` those of the group visit by role."""
    from consultations.demo.secret import sign_in_secret
    from consultations.rooms.actions.links import link_url

    base, secret = settings.PUBLIC_BASE_URL, sign_in_secret()
    return {
        "base_url": base,
        "practitioner_url": f"{base}/demo/sign-in/practitioner/#{secret}",
        "patient_url": link_url(token),
        "admin_url": f"{base}/demo/sign-in/admin/#{secret}",
        **{f"group_{role}_url": link_url(token) for role, token in group.items()},
    }


def welcome(links: dict[str, str]) -> str:
    """Return what the person who started the demo reads."""
    return f"""
The demo practice is open, on this machine only.

  Practitioner  {links["practitioner_url"]}
  Patient       {links["patient_url"]}
  Clinic admin  {links["admin_url"]}

A group visit, on Today: "Family meeting"

  Patient       {links["group_patient_url"]}
  Interpreter   {links["group_interpreter_url"]}
  Relative      {links["group_relative_url"]}

Open the practitioner's and the patient's link in two browsers, or in a normal and a private window.
It runs without TURN: calls work on this machine and in networks that let two browsers reach each other directly.
Everybody in it is invented. Mails to patients are printed here. Ctrl+C ends the demo.
"""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
