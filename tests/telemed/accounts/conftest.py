import time
from collections.abc import Iterator

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from allauth.mfa.utils import encrypt
from django.core.cache import cache
from django.db import transaction
from django.test import Client

from telemed.accounts.models import User
from tests.base import PASSWORD

TOTP_SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture(autouse=True)
def small_site(settings) -> Iterator[None]:
    settings.ROOT_URLCONF = "tests.telemed.accounts.site"
    cache.clear()
    yield
    cache.clear()


@pytest.fixture
def commits_at_once(monkeypatch) -> None:
    """Run on_commit callbacks inside the request, as happens outside a test's transaction."""
    monkeypatch.setattr(transaction, "on_commit", lambda function, *args, **kwargs: function())


@pytest.fixture
def anna(db: None) -> User:
    """A practitioner with an authenticator app."""
    user = User.objects.create_user("anna@harbour.example", PASSWORD, name="Anna Abel")
    Authenticator.objects.create(user=user, type="totp", data={"secret": encrypt(TOTP_SECRET)})
    return user


@pytest.fixture
def newcomer(db: None) -> User:
    """Somebody who has a password and nothing else."""
    return User.objects.create_user("ned@harbour.example", PASSWORD, name="Ned New")


@pytest.fixture
def boss(db: None) -> User:
    """May open the administration: needs a passkey. Has an authenticator app only."""
    user = User.objects.create_user("adam@harbour.example", PASSWORD, name="Adam Ade", is_staff=True)
    Authenticator.objects.create(user=user, type="totp", data={"secret": encrypt(TOTP_SECRET)})
    return user


def code(step: int = 0, secret: str = TOTP_SECRET) -> str:
    """Return the app's code now, or `step` periods of 30 s later."""
    return format_hotp_value(hotp_value(secret, int(time.time()) // 30 + step))


def wrong_code() -> str:
    right = {code(step) for step in (-1, 0, 1)}
    return next(text for text in ("000000", "111111", "222222", "333333") if text not in right)


def post_password(client: Client, user: User, password: str = PASSWORD, **extra: str):
    return client.post("/accounts/login/", {"login": user.email, "password": password}, **extra)


def sign_in_with_app(client: Client, user: User) -> None:
    post_password(client, user)
    client.post("/accounts/login/confirm/", {"code": code()})
