"""manage.py check_relays: asks every relay that clinics offer what an attacker would ask it (SEC-8)."""

import time
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from consultations.clinics.models import TurnServer
from media_routing import api

# A quota of its own; no participant has such an id.
PROBE_ID = "check_relays"


class Command(BaseCommand):
    help = (
        "Check that every active relay answers, relays to public addresses and the media server only, and does not say "
        "that it is too old. Run it where the relays are reached as browsers reach them. Its version and its file are "
        "checked on the relay's own machine: deploy/coturn/check.py."
    )

    def handle(self, *args: Any, **options: Any) -> None:
        relays = TurnServer.objects.filter(active=True).order_by("clinic_id", "pk")
        if not relays:
            raise CommandError("No clinic has an active relay.")
        bad = 0
        for relay in relays:
            ports = (relay.udp_port, relay.tcp_port, relay.tls_port)
            credentials = api.turn_credential(relay.secret, PROBE_ID, now_s=time.time(), ttl_s=60)
            problems = api.relay_problems(relay.host, ports, credentials, must_reach=settings.SFU_ADVERTISED_ADDRESSES)
            for problem in problems:
                self.stderr.write(f"{relay.host}: {problem}")
            if not problems:
                self.stdout.write(f"{relay.host}: relays for calls, and to nothing else")
            bad += bool(problems)
        if bad:
            raise CommandError(f"{bad} of {len(relays)} relays must not carry calls like this.")
