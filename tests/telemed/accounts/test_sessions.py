"""SEC-14: sessions end when idle, after twelve hours, at log-out, deactivation and password change; never in a call."""

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client

from telemed.accounts import actions, sessions
from telemed.accounts.events import security_event, sessions_ended
from telemed.accounts.models import User
from telemed.accounts.testing import sign_in
from tests.base import PASSWORD
from tests.telemed.accounts.conftest import post_password, sign_in_with_app

START = "2030-01-01T08:00:00Z"
BACKGROUND = {"X-Background": "1"}


@pytest.fixture
def clock(time_machine):
    time_machine.move_to(START, tick=False)
    return time_machine


@pytest.fixture
def calls(monkeypatch) -> dict[str, bool]:
    """Says whether anybody is in a call."""
    state = {"busy": False}
    monkeypatch.setattr(sessions, "_busy_hooks", [])
    sessions.register_busy_hook(lambda user: state["busy"])
    return state


@pytest.fixture
def client(anna: User, clock, calls) -> Client:
    client = Client()
    sign_in(client, anna, factor="totp")
    return client


@pytest.fixture
def ended(monkeypatch, commits_at_once):
    """The sessions_ended signals, as (user, keys, reason)."""
    seen: list[tuple] = []

    def note(sender, user, session_keys, reason, **kwargs):
        seen.append((user, session_keys, reason))

    sessions_ended.connect(note)
    yield seen
    sessions_ended.disconnect(note)


def test_it_logs_off_after_fifteen_idle_minutes(client: Client, clock):
    clock.shift(15 * 60)
    response = client.get("/today/")
    assert response.url.startswith("/accounts/login/")
    assert "_auth_user_id" not in client.session


def test_it_stays_signed_in_one_second_earlier(client: Client, clock):
    clock.shift(15 * 60 - 1)
    assert client.get("/today/").content == b"secret"


def test_real_input_starts_the_clock_anew(client: Client, clock):
    for _ in range(3):
        clock.shift(14 * 60)
        assert client.get("/today/").status_code == 200


def test_polling_does_not_keep_anybody_signed_in(client: Client, clock):
    for _ in range(14):
        clock.shift(60)
        assert client.get("/today/", headers=BACKGROUND).status_code == 200
    clock.shift(60)
    assert client.get("/today/", headers=BACKGROUND).status_code == 401
    assert "_auth_user_id" not in client.session


def test_asking_how_long_it_lasts_does_not_make_it_longer(client: Client, clock):
    clock.shift(10 * 60)
    for headers in (BACKGROUND, {}):
        assert client.get("/accounts/session/", headers=headers).json()["idle_s"] == 5 * 60


def test_a_page_reports_input_that_made_no_request(client: Client, clock):
    clock.shift(10 * 60)
    headers = BACKGROUND | {"X-Input-Age": "60"}
    assert client.post("/accounts/session/", headers=headers).json()["idle_s"] == 14 * 60
    assert client.post("/accounts/session/", headers=BACKGROUND | {"X-Input-Age": "-9"}).json()["idle_s"] == 15 * 60
    assert client.post("/accounts/session/", headers=BACKGROUND | {"X-Input-Age": "600"}).json()["idle_s"] == 15 * 60


def test_it_never_logs_off_during_a_call_and_counts_from_the_last_input_afterwards(client: Client, clock, calls):
    clock.shift(14 * 60)
    client.get("/today/")
    calls["busy"] = True
    clock.shift(20 * 60)
    assert client.get("/today/", headers=BACKGROUND).status_code == 200
    calls["busy"] = False
    clock.shift(1)
    assert client.get("/today/", headers=BACKGROUND).status_code == 401


def test_after_a_call_the_rest_of_the_fifteen_minutes_is_left(client: Client, clock, calls):
    calls["busy"] = True
    clock.shift(20 * 60)
    client.get("/today/")  # the click on "Finish visit"
    calls["busy"] = False
    clock.shift(1)
    assert client.get("/accounts/session/", headers=BACKGROUND).json()["idle_s"] == 15 * 60 - 1


def test_twelve_hours_are_the_end_except_in_a_call(client: Client, clock, calls):
    for _ in range(12 * 6 - 1):
        clock.shift(10 * 60)
        assert client.get("/today/").status_code == 200
    calls["busy"] = True
    clock.shift(10 * 60)
    assert client.get("/today/").status_code == 200
    calls["busy"] = False
    clock.shift(1)
    assert client.get("/today/").url.startswith("/accounts/login/")


def test_the_control_without_the_middleware_never_ends(client: Client, clock, settings):
    settings.MIDDLEWARE = [name for name in settings.MIDDLEWARE if not name.endswith("SessionPolicyMiddleware")]
    clock.shift(60 * 60)
    assert client.get("/today/").content == b"secret"


def test_sockets_follow_the_same_clock(client: Client, anna: User, clock, calls):
    session = dict(client.session)
    started_s = session[sessions.SIGNED_IN_AT]
    assert sessions.may_act_as_staff(anna, session, started_s + 899)
    assert not sessions.may_act_as_staff(anna, session, started_s + 900)
    calls["busy"] = True
    assert sessions.may_act_as_staff(anna, session, started_s + 900)


def test_a_password_change_ends_every_session(anna: User, ended):
    here, elsewhere = Client(), Client()
    sign_in(here, anna, factor="totp")
    sign_in(elsewhere, anna, factor="totp")
    new = "another long password 8"
    form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
    assert here.post("/accounts/password/change/", form).status_code == 302
    for client in (here, elsewhere):
        assert client.get("/today/").url.startswith("/accounts/login/")
    assert (anna, None, "password_changed") in ended
    assert not UserSession.objects.filter(user=anna).exists()


def test_deactivation_ends_every_session(client: Client, anna: User, ended):
    actions.deactivate_user(anna, acting_user=None)
    assert client.get("/today/").url.startswith("/accounts/login/")
    assert (anna, None, "deactivated") in ended


def test_a_reset_of_the_second_factor_ends_every_session(client: Client, anna: User, ended):
    assert actions.reset_mfa(anna, acting_user=None) == 1
    assert client.get("/today/").url.startswith("/accounts/login/")
    assert (anna, None, "mfa_reset") in ended


def test_logging_out_closes_the_sockets_of_this_session_only(client: Client, anna: User, ended):
    key = client.session.session_key
    client.post("/accounts/logout/")
    assert ended == [(anna, frozenset({key}), "by_user")]


def test_idle_log_off_closes_the_sockets_too(client: Client, anna: User, clock, ended):
    key = client.session.session_key
    clock.shift(15 * 60)
    client.get("/today/", headers=BACKGROUND)
    assert ended == [(anna, frozenset({key}), "idle")]


def test_people_see_and_end_their_own_sessions_only(client: Client, anna: User, boss: User, ended):
    elsewhere, foreign = Client(), Client()
    sign_in(elsewhere, anna, factor="totp")
    sign_in(foreign, boss)
    listed = client.get("/accounts/sessions/").context["sessions"]
    assert {session.session_key for session in listed} == {client.session.session_key, elsewhere.session.session_key}
    strange = UserSession.objects.get(user=boss)
    assert client.post(f"/accounts/sessions/{strange.pk}/end/").status_code == 404
    assert foreign.get("/today/").status_code == 200
    theirs = UserSession.objects.get(session_key=elsewhere.session.session_key)
    key = theirs.session_key
    assert client.post(f"/accounts/sessions/{theirs.pk}/end/").status_code == 302
    assert elsewhere.get("/today/").status_code == 302
    assert client.get("/today/").status_code == 200
    assert ended == [(anna, frozenset({key}), "ended_by_user")]


def test_one_click_ends_all_others(client: Client, anna: User, commits_at_once):
    elsewhere = Client()
    sign_in(elsewhere, anna, factor="totp")
    client.post("/accounts/sessions/")
    assert elsewhere.get("/today/").status_code == 302
    assert client.get("/today/").status_code == 200


def test_sign_in_log_out_and_refusals_are_told(anna: User, commits_at_once):
    told: list[tuple] = []

    def note(sender, event, user, outcome, details, **kwargs):
        told.append((event, user, outcome, details.get("reason") or details.get("factor")))

    security_event.connect(note)
    client = Client()
    post_password(client, anna, "wrong")
    client.post("/accounts/login/", {"login": "nobody@x.example", "password": "wrong"})
    sign_in_with_app(client, anna)
    client.post("/accounts/logout/")
    security_event.disconnect(note)
    assert told == [
        ("login.refused", anna, "refused", "password"),
        ("login.refused", None, "refused", "password"),
        ("login.ok", anna, "ok", "totp"),
        ("login.out", anna, "ok", "by_user"),
    ]
