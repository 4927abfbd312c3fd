"""Queries and CPU per page, in this process and on SQLite: the second request counts, the first warms caches up."""

import os
import time
from collections.abc import Callable

from tests.bench.rows import Row, median

REQUESTS = 20


def measure() -> list[Row]:
    import tests.environment  # noqa: F401  before Django's settings

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "telemed.settings")
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0)
    return [row for name, open_page in _pages().items() for row in _measure(name, open_page)]


def _pages() -> dict[str, Callable[[], object]]:
    from django.test import Client
    from django.urls import reverse

    from consultations.rooms.actions.booking import book_visit
    from tests.base import login, make_cast, soon

    cast = make_cast()
    visits = [
        book_visit(
            clinic=cast.harbour,
            patient=cast.paul,
            practitioner=cast.anna.practitioner,
            visit_type=cast.talk,
            starts_at=soon(30 * number),
            zone="Europe/Berlin",
            acting_user=cast.anna,
        )
        for number in range(10)
    ]
    practitioner, admin, anonymous = login(cast.anna), login(cast.adam), Client()
    first = visits[0]
    addresses = {
        "home": (anonymous, reverse("home")),
        "join": (anonymous, reverse("join")),
        "login": (anonymous, reverse("account_login")),
        "today": (practitioner, reverse("today")),
        "today_list": (practitioner, reverse("today_list")),
        "appointment": (practitioner, reverse("appointment", args=[first.public_id])),
        "appointment_new": (practitioner, reverse("appointment_new")),
        "visit": (practitioner, reverse("visit", args=[first.room.code])),
        "admin_home": (admin, reverse("admin:index")),
        "admin_appointments": (admin, reverse("admin:appointments_appointment_changelist")),
        "admin_patients": (admin, reverse("admin:patients_patient_changelist")),
    }
    return {name: lambda client=client, url=url: client.get(url) for name, (client, url) in addresses.items()}


def _measure(name: str, open_page: Callable[[], object]) -> list[Row]:
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    response = open_page()
    if response.status_code != 200:
        raise RuntimeError(f"{name} answers {response.status_code}")
    with CaptureQueriesContext(connection) as queries:
        open_page()
    count = len(queries)  # now: the next request empties the log
    times_ms = []
    for _ in range(REQUESTS):
        started = time.process_time()
        open_page()
        times_ms.append((time.process_time() - started) * 1000)
    size_kb = len(response.content) / 1024
    return [
        Row(f"page_{name}_queries", count, "queries", f"{size_kb:.0f} kB, ten visits today"),
        Row(f"page_{name}_cpu", median(times_ms), "ms CPU", f"median of {REQUESTS}, SQLite, in process"),
    ]
