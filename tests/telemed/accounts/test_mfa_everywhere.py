"""SEC-5: a correct password alone reaches nothing, by any path."""

from types import SimpleNamespace

import pytest
from allauth.mfa.models import Authenticator
from django.core import mail
from django.core.exceptions import PermissionDenied
from django.test import Client, RequestFactory

from telemed.accounts import mfa, sessions
from telemed.accounts.demo_session import open_demo_session
from telemed.accounts.models import User
from telemed.accounts.testing import sign_in
from tests.base import PASSWORD, Cast, login
from tests.telemed.accounts.conftest import code, post_password, sign_in_with_app, wrong_code

GUARDED = ["/today/", "/plain/", "/admin/", "/accounts/sessions/", "/accounts/password/change/", "/accounts/security/"]


@pytest.fixture
def signed_in_half(anna: User) -> Client:
    client = Client()
    response = post_password(client, anna)
    assert response.url == "/accounts/login/confirm/"
    return client


@pytest.mark.parametrize("path", GUARDED)
def test_it_refuses_every_page_after_the_password_alone(signed_in_half: Client, path: str):
    response = signed_in_half.get(path, follow=True)
    assert response.redirect_chain[-1][0].startswith("/accounts/login/")
    assert "_auth_user_id" not in signed_in_half.session


@pytest.mark.parametrize("path", GUARDED)
def test_it_signs_out_a_session_that_never_passed_the_second_factor(anna: User, path: str):
    client = Client()
    client.force_login(anna)  # as another backend, a stray login() or a fixed session would
    response = client.get(path)
    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/")
    assert "_auth_user_id" not in client.session


def test_the_control_without_the_middleware_reaches_a_page_by_password_alone(anna: User, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith("RequireMfaMiddleware")]
    client = Client()
    client.force_login(anna)
    assert client.get("/plain/").content == b"secret"


def test_the_decorator_refuses_even_without_the_middleware(anna: User, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith("RequireMfaMiddleware")]
    client = Client()
    client.force_login(anna)
    assert client.get("/today/").status_code == 302


def test_it_answers_scripts_with_401(anna: User):
    client = Client()
    client.force_login(anna)
    response = client.get("/today/", headers={"X-Background": "1"})
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "signed_out"


def test_password_and_code_reach_the_page(anna: User):
    client = Client()
    sign_in_with_app(client, anna)
    assert client.get("/today/").content == b"secret"


def test_it_leads_somebody_without_a_second_factor_to_enrolment_only(newcomer: User):
    client = Client()
    assert post_password(client, newcomer).url == "/today/"
    for path in ["/today/", "/plain/", "/admin/", "/accounts/sessions/", "/accounts/password/change/", "/"]:
        response = client.get(path)
        assert (response.status_code, response.url) == (302, "/accounts/security/"), path
    assert client.get("/accounts/security/").status_code == 200
    assert client.get("/accounts/security/app/").status_code == 200
    assert client.post("/language/", {"language": "de"}).status_code == 302
    assert client.post("/accounts/logout/").status_code == 302
    assert "_auth_user_id" not in client.session


def test_enrolling_an_app_opens_the_site_and_its_code_is_used_up(newcomer: User, commits_at_once, time_machine):
    time_machine.move_to("2030-01-01T10:00:05Z", tick=False)
    client = Client()
    post_password(client, newcomer)
    secret = client.get("/accounts/security/app/").context["form"].secret
    shown = code(secret=secret)
    assert client.post("/accounts/security/app/", {"code": shown}).status_code == 302
    assert client.get("/today/").content == b"secret"
    stored = Authenticator.objects.get(user=newcomer, type="totp").data["secret"]
    assert secret not in stored
    other = Client()
    post_password(other, newcomer)
    assert other.post("/accounts/login/confirm/", {"code": shown}).status_code == 200
    assert other.get("/today/").status_code == 302


def test_enrolment_asks_for_the_password_again_when_the_sign_in_is_old(newcomer: User, time_machine):
    time_machine.move_to("2030-01-01T10:00:00Z")
    client = Client()
    post_password(client, newcomer)
    time_machine.shift(301)
    response = client.get("/accounts/security/app/")
    assert response.status_code == 302
    assert response.url.startswith("/accounts/confirm/password/")


def test_somebody_who_passed_no_factor_cannot_add_one_to_an_account_that_has_one(anna: User):
    client = Client()
    client.force_login(anna)
    assert client.get("/accounts/security/app/").url.startswith("/accounts/login/")
    assert Authenticator.objects.filter(user=anna).count() == 1


def test_the_admin_login_form_accepts_no_password(boss: User):
    client = Client()
    response = client.post("/admin/login/", {"username": boss.email, "password": PASSWORD})
    assert response.status_code == 302
    assert response.url.startswith("/accounts/login/")
    assert "_auth_user_id" not in client.session


def test_password_reset_neither_signs_in_nor_drops_the_second_factor(anna: User):
    client = Client()
    client.post("/accounts/password/reset/", {"email": anna.email})
    link = next(word for word in mail.outbox[0].body.split() if "/password/reset/key/" in word)
    form_url = client.get(link).url
    new = "another long password 8"
    assert client.post(form_url, {"password1": new, "password2": new}).status_code == 302
    assert "_auth_user_id" not in client.session
    assert post_password(client, anna, new).url == "/accounts/login/confirm/"
    assert client.get("/today/").status_code == 302


def test_there_is_no_sign_up(db: None):
    assert Client().get("/accounts/signup/").status_code == 404
    assert Client().post("/accounts/signup/", {"email": "x@y.example", "password1": PASSWORD}).status_code == 404


def test_a_new_session_id_is_given_at_login(anna: User):
    client = Client()
    client.get("/accounts/login/")
    post_password(client, anna)
    before = client.session.session_key
    client.post("/accounts/login/confirm/", {"code": code()})
    assert client.session.session_key != before


def test_a_code_is_refused_the_second_time(anna: User, time_machine):
    time_machine.move_to("2030-01-01T10:00:05Z", tick=False)
    used = code()
    first, second = Client(), Client()
    post_password(first, anna)
    assert first.post("/accounts/login/confirm/", {"code": used}).status_code == 302
    post_password(second, anna)
    # One period later the clock's tolerance still covers it, and allauth's own replay memory (30 s) has gone.
    time_machine.shift(31)
    assert second.post("/accounts/login/confirm/", {"code": used}).status_code == 200
    assert second.get("/today/").status_code == 302
    assert second.post("/accounts/login/confirm/", {"code": code()}).status_code == 302


def test_a_code_that_nobody_used_works_one_period_late(anna: User, time_machine):
    time_machine.move_to("2030-01-01T10:00:05Z", tick=False)
    shown = code()
    client = Client()
    post_password(client, anna)
    time_machine.shift(31)
    assert client.post("/accounts/login/confirm/", {"code": shown}).status_code == 302


def test_recovery_codes_work_once_and_are_encrypted(anna: User):
    client = Client()
    sign_in_with_app(client, anna)
    client.post("/accounts/confirm/password/", {"password": PASSWORD})
    client.post("/accounts/security/recovery-codes/new/")
    authenticator = Authenticator.objects.get(user=anna, type="recovery_codes")
    recovery = authenticator.wrap().get_unused_codes()[0]
    assert ":" in authenticator.data["seed"]
    for expected in (302, 200):
        other = Client()
        post_password(other, anna)
        assert other.post("/accounts/login/confirm/", {"code": recovery}).status_code == expected


def test_an_admin_with_an_app_only_is_led_to_a_passkey(boss: User, time_machine):
    time_machine.move_to("2030-01-01T10:00:05Z", tick=False)
    client = Client()
    sign_in_with_app(client, boss)
    assert client.get("/today/").url == "/accounts/security/"
    assert client.get("/admin/").url == "/accounts/security/"
    assert client.get("/accounts/security/app/").url == "/accounts/security/"
    assert client.get("/accounts/security/passkeys/add/").status_code == 200
    time_machine.shift(301)
    assert client.get("/accounts/security/passkeys/add/").url.startswith("/accounts/confirm/password/")
    client.post("/accounts/confirm/password/", {"password": PASSWORD})
    assert client.get("/accounts/security/passkeys/add/").status_code == 200


def test_an_admin_with_a_passkey_must_use_it(boss: User):
    Authenticator.objects.create(user=boss, type="webauthn", data={"name": "key", "credential": {}})
    client = Client()
    sign_in(client, boss, factor="totp")
    assert client.get("/admin/").url.startswith("/accounts/confirm/passkey/")
    sign_in(client, boss, factor="webauthn")
    assert client.get("/admin/").status_code == 200


def test_a_registered_rule_makes_a_passkey_obligatory(anna: User, monkeypatch):
    monkeypatch.setattr(mfa, "_passkey_rules", [])
    client = Client()
    sign_in(client, anna, factor="totp")
    assert client.get("/today/").status_code == 200
    mfa.register_passkey_rule(lambda user: user.pk == anna.pk)
    assert client.get("/today/").url == "/accounts/security/"


def test_the_last_factor_cannot_be_removed(anna: User):
    client = Client()
    sign_in_with_app(client, anna)
    client.post("/accounts/confirm/password/", {"password": PASSWORD})
    client.post("/accounts/security/app/remove/")
    assert Authenticator.objects.filter(user=anna, type="totp").exists()
    passkey = Authenticator.objects.create(user=anna, type="webauthn", data={"name": "key", "credential": {}})
    client.post("/accounts/security/app/remove/")
    assert not Authenticator.objects.filter(user=anna, type="totp").exists()
    client.post(f"/accounts/security/passkeys/{passkey.pk}/remove/")
    assert Authenticator.objects.filter(pk=passkey.pk).exists()


def test_a_passkey_of_somebody_else_is_not_found(anna: User, boss: User):
    foreign = Authenticator.objects.create(user=boss, type="webauthn", data={"name": "key", "credential": {}})
    client = Client()
    sign_in(client, anna, factor="totp")
    assert client.post(f"/accounts/security/passkeys/{foreign.pk}/remove/").status_code == 404


def test_sockets_are_refused_by_password_alone(anna: User):
    client = Client()
    client.force_login(anna)
    now_s = 0.0
    assert not sessions.may_act_as_staff(anna, client.session, now_s)
    sign_in(client, anna, factor="totp")
    assert sessions.may_act_as_staff(anna, client.session, now_s)
    anna.is_active = False
    assert not sessions.may_act_as_staff(anna, client.session, now_s)


def test_the_record_of_one_user_does_not_count_for_another(anna: User, boss: User):
    client = Client()
    sign_in(client, anna)
    session = dict(client.session)
    assert mfa.mfa_state(anna, session) == mfa.MfaState.PASSED
    assert mfa.mfa_state(boss, session) == mfa.MfaState.MISSING


def test_the_demo_door_is_shut_outside_the_demo(anna: User, settings):
    request = RequestFactory().get("/")
    with pytest.raises(PermissionDenied):
        open_demo_session(request, anna)
    state = SimpleNamespace(**{mfa.DEMO_SESSION_KEY: anna.pk}).__dict__
    assert mfa.mfa_state(anna, state) == mfa.MfaState.MISSING
    settings.DEMO = True
    assert mfa.mfa_state(anna, state) == mfa.MfaState.PASSED


def test_a_deactivated_user_cannot_sign_in(anna: User):
    anna.is_active = False
    anna.save(update_fields=["is_active"])
    client = Client()
    assert post_password(client, anna).url == "/accounts/inactive/"
    assert client.get("/accounts/login/confirm/").url == "/accounts/login/"


def test_wrong_code_reaches_nothing(signed_in_half: Client):
    assert signed_in_half.post("/accounts/login/confirm/", {"code": wrong_code()}).status_code == 200
    assert signed_in_half.get("/today/").status_code == 302


def test_who_has_no_password_is_led_to_a_link_by_mail(cast: Cast) -> None:
    cast.anna.set_unusable_password()
    cast.anna.save(update_fields=["password"])
    client = login(cast.anna)
    response = client.get("/accounts/password/change/", follow=True)
    assert response.status_code == 200
    assert response.redirect_chain[-1][0] == "/accounts/password/reset/"
