"""The audit log and the key ring know what accounts does (SEC-5, SEC-7, SEC-21)."""

import base64
import os

import pytest
from allauth.mfa.models import Authenticator
from django.core.management import call_command
from django.test import Client

from telemed.accounts.models import User
from telemed.audit.models import AuditEntry
from telemed.vault.keyring import current_ring
from telemed.vault.rotation import rotate_all
from tests.telemed.accounts.conftest import TOTP_SECRET, post_password, sign_in_with_app


def events() -> list[tuple[str, str]]:
    return list(AuditEntry.objects.order_by("seq").values_list("event", "outcome"))


def test_sign_in_refusal_and_log_out_are_recorded(anna: User, commits_at_once):
    client = Client()
    post_password(client, anna, "wrong")
    sign_in_with_app(client, anna)
    client.post("/accounts/logout/")
    assert events() == [("login.refused", "refused"), ("login.ok", "ok"), ("login.out", "ok")]


def test_a_blocked_guesser_fills_no_log(anna: User):
    for number in range(40):
        post_password(Client(), anna, f"guess {number}")
    assert len(events()) == 6


def test_resetting_the_second_factor_is_recorded(anna: User):
    call_command("reset_mfa", anna.email.upper())
    assert events() == [("mfa.removed", "ok")]
    assert not Authenticator.objects.filter(user=anna).exists()


def test_no_address_or_name_is_in_the_log(anna: User, commits_at_once):
    post_password(Client(), anna, "wrong")
    entry = AuditEntry.objects.get()
    row = " ".join(str(getattr(entry, field.attname)) for field in entry._meta.concrete_fields)
    for personal in (anna.email, anna.name, anna.public_id, "127.0.0.1"):
        assert personal not in row


def test_rotating_the_keys_keeps_second_factors_working(anna: User, settings):
    authenticator = Authenticator.objects.get(user=anna)
    before = authenticator.data["secret"]
    assert TOTP_SECRET not in before
    settings.FIELD_KEYS = ["fresh:" + base64.b64encode(os.urandom(32)).decode(), *settings.FIELD_KEYS]
    assert rotate_all() >= 1
    settings.FIELD_KEYS = settings.FIELD_KEYS[:1]
    authenticator.refresh_from_db()
    assert authenticator.data["secret"].startswith("fresh:")
    assert current_ring().key_ids == {"fresh"}
    client = Client()
    sign_in_with_app(client, anna)
    assert client.get("/today/").status_code == 200


@pytest.mark.django_db
def test_the_admin_shows_no_secrets():
    from django.contrib import admin

    registered = {model.__name__ for model in admin.site._registry}
    assert not registered & {"Authenticator", "UserSession", "EmailAddress"}
