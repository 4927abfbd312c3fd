"""demo.E001: demo users in a database that is not the demo's. demo.E002: the demo on a public address."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register

from consultations.demo.people import demo_users_exist

LOOPBACK_NAMES = {"localhost", "127.0.0.1", "::1"}


@register(Tags.database)
def check_no_demo_users(
    app_configs: Any = None, databases: Sequence[str] | None = None, **kwargs: Any
) -> list[CheckMessage]:
    """Runs with `check --database default` and before every `migrate`; the server asks again when it starts."""
    if settings.DEMO or not databases or not demo_users_exist():
        return []
    return [
        Error(
            "This database holds demo users, whom anybody can become with one click.",
            hint="Use a fresh database (DATABASE_URL); the demo's own belongs to `manage.py demo`.",
            id="demo.E001",
        )
    ]


@register(Tags.security)
def check_demo_is_local(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    if not settings.DEMO or urlsplit(settings.PUBLIC_BASE_URL).hostname in LOOPBACK_NAMES:
        return []
    return [
        Error("DEMO is on and PUBLIC_BASE_URL is not this machine.", hint="Unset DEMO to run a clinic.", id="demo.E002")
    ]
