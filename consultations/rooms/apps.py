from typing import Any

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RoomsConfig(AppConfig):
    name = "consultations.rooms"
    verbose_name = _("Video visits")

    def ready(self) -> None:
        from consultations.rooms import checks  # noqa: F401  registers the check
        from consultations.rooms.access import is_in_live_visit
        from telemed.accounts.events import sessions_ended
        from telemed.accounts.sessions import register_busy_hook

        register_busy_hook(is_in_live_visit)
        sessions_ended.connect(close_sockets, dispatch_uid="rooms.close_sockets")


def close_sockets(sender: Any, *, user: Any, session_keys: frozenset[str] | None, **kwargs: Any) -> None:
    """Staff signed out, or were signed out: their sockets close at once (SEC-4)."""
    from consultations.rooms.nudges import close_sockets_of

    close_sockets_of(user, session_keys)
