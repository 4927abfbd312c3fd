"""System checks of settings: rooms.E001 no python -O (SEC-11: the media stack validates with `assert`), rooms.E002 rtc addresses,
rooms.E003 what listens."""

import sys
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from consultations.rooms.recorder.listener import PROGRAMS


@register()
def check_assertions_run(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Return an error when assertions are compiled away."""
    if not sys.flags.optimize:
        return []
    return [Error("Python runs with -O or PYTHONOPTIMIZE.", hint="Unset PYTHONOPTIMIZE.", id="rooms.E001")]


@register()
def check_rtc_address(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Return rooms.E002 when browsers would not send their cookies to the rtc processes, or not encrypt on the way."""
    try:
        url = urlsplit(settings.RTC_URL.format(index=0, port=1))
    except (IndexError, KeyError, ValueError):
        return [Error("RTC_URL may hold {index} and {port}, nothing else in braces.", id="rooms.E002")]
    pages = urlsplit(settings.PUBLIC_BASE_URL)
    wanted = "wss" if pages.scheme == "https" else "ws"
    if url.scheme == wanted and url.hostname == pages.hostname and not url.query and not url.fragment:
        return []
    hint = f"Use {wanted}://{pages.hostname} with a port or a path of its own for each process."
    return [
        Error("RTC_URL is not on the host of PUBLIC_BASE_URL: cookies would not reach it.", hint=hint, id="rooms.E002")
    ]


@register()
def check_listening_program(app_configs: Any = None, **kwargs: Any) -> list[CheckMessage]:
    """Return rooms.E003 for a program that is not there: nobody must think that something listens which does not."""
    if settings.LISTENING_PROGRAM in ("", *PROGRAMS):
        return []
    return [Error(f"LISTENING_PROGRAM is none of: {', '.join(PROGRAMS)}.", hint="Leave it empty.", id="rooms.E003")]
