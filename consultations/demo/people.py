"""Who is a demo user, and that there are none outside the demo (SEC-16)."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db import connection
from django.http import HttpRequest

from telemed.accounts.models import User

# RFC 2606 §2: no mail can ever reach it, so no password can ever be reset.
DOMAIN = "demo.invalid"
ROLES = {"practitioner": f"practitioner@{DOMAIN}", "admin": f"admin@{DOMAIN}"}


class DemoUsersOutsideDemo(RuntimeError):
    """The database was seeded by `manage.py demo`, and this is not the demo."""


def is_demo_user(user: Any) -> bool:
    return str(getattr(user, "email", "")).endswith(f"@{DOMAIN}")


def demo_users_exist() -> bool:
    """Return whether any user is marked as a demo user; False before the first migration."""
    if User._meta.db_table not in connection.introspection.table_names():
        return False
    return User.objects.filter(email__endswith=f"@{DOMAIN}").exists()


def refuse_demo_users() -> None:
    """Raise DemoUsersOutsideDemo; every server calls it before it listens."""
    if not settings.DEMO and demo_users_exist():
        raise DemoUsersOutsideDemo(
            "this database holds demo users: use a fresh one (DATABASE_URL) or run `manage.py demo`"
        )


def refuse_demo_login(sender: Any, request: HttpRequest | None, user: User, **kwargs: Any) -> None:
    """Receiver of user_logged_in: whatever way a demo user came in outside the demo, the session dies here."""
    if settings.DEMO or not is_demo_user(user):
        return
    if request is not None:
        request.session.flush()
    raise PermissionDenied
