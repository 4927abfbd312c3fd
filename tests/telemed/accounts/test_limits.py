"""SEC-17: limits count the true client, and nobody can use them to lock a doctor out."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client, RequestFactory

from telemed.accounts import limits
from telemed.accounts.addresses import address_group, client_address
from telemed.accounts.models import User
from tests.telemed.accounts.conftest import code, post_password, wrong_code

ATTACKER, DOCTOR = "203.0.113.7", "198.51.100.20"


def reaches_second_step(client: Client, user: User, **extra: str) -> bool:
    response = post_password(client, user, **extra)
    return response.status_code == 302 and response.url == "/accounts/login/confirm/"


def test_a_rotating_forged_header_does_not_evade_the_limit(anna: User):
    client = Client(REMOTE_ADDR=ATTACKER)
    for number in range(5):
        post_password(client, anna, f"guess {number}", HTTP_X_FORWARDED_FOR=f"10.0.{number}.1")
    assert not reaches_second_step(client, anna, HTTP_X_FORWARDED_FOR="10.9.9.9")


def test_a_thousand_tries_from_one_peer_are_stopped(anna: User, monkeypatch):
    checked: list[str] = []
    monkeypatch.setattr(User, "check_password", lambda self, raw: bool(checked.append(raw)))
    client = Client(REMOTE_ADDR=ATTACKER)
    statuses = [
        post_password(client, anna, f"guess {number}", HTTP_X_FORWARDED_FOR=f"10.0.0.{number % 250}").status_code
        for number in range(1000)
    ]
    assert len(checked) == 5
    assert statuses[-1] == 429


def test_the_doctor_signs_in_from_elsewhere_while_an_attacker_is_blocked(anna: User):
    attacker = Client(REMOTE_ADDR=ATTACKER)
    for number in range(30):
        post_password(attacker, anna, f"guess {number}")
    assert not reaches_second_step(attacker, anna)
    assert reaches_second_step(Client(REMOTE_ADDR=DOCTOR), anna)


def test_a_forged_header_does_not_frame_the_doctor(anna: User):
    attacker = Client(REMOTE_ADDR=ATTACKER)
    for number in range(10):
        post_password(attacker, anna, f"guess {number}", HTTP_X_FORWARDED_FOR=DOCTOR)
    assert reaches_second_step(Client(REMOTE_ADDR=DOCTOR), anna)


def test_the_block_ends_after_five_minutes(anna: User, time_machine):
    time_machine.move_to("2030-01-01T08:00:00Z", tick=False)
    client = Client(REMOTE_ADDR=ATTACKER)
    for number in range(5):
        post_password(client, anna, f"guess {number}")
    assert not reaches_second_step(client, anna)
    time_machine.shift(301)
    assert reaches_second_step(client, anna)


def test_signing_in_often_is_not_a_failure(anna: User):
    for _ in range(8):
        assert reaches_second_step(Client(REMOTE_ADDR=DOCTOR), anna)


def test_five_codes_may_be_wrong_and_the_sixth_is_refused_even_when_right(anna: User):
    client = Client(REMOTE_ADDR=ATTACKER)
    post_password(client, anna)
    for _ in range(5):
        assert client.post("/accounts/login/confirm/", {"code": wrong_code()}).status_code == 200
    assert client.post("/accounts/login/confirm/", {"code": code()}).status_code == 200
    assert client.get("/today/").status_code == 302


def test_the_fifth_code_still_counts(anna: User):
    client = Client(REMOTE_ADDR=DOCTOR)
    post_password(client, anna)
    for _ in range(4):
        client.post("/accounts/login/confirm/", {"code": wrong_code()})
    assert client.post("/accounts/login/confirm/", {"code": code()}).status_code == 302


def test_wrong_codes_from_one_address_do_not_lock_the_doctor_out(anna: User):
    attacker, doctor = Client(REMOTE_ADDR=ATTACKER), Client(REMOTE_ADDR=DOCTOR)
    post_password(attacker, anna)
    for _ in range(15):
        attacker.post("/accounts/login/confirm/", {"code": wrong_code()})
    post_password(doctor, anna)
    assert doctor.post("/accounts/login/confirm/", {"code": code()}).status_code == 302


def test_guessing_codes_from_many_addresses_stops_at_twenty(anna: User, monkeypatch):
    tries: list[str] = []
    monkeypatch.setattr(
        "allauth.mfa.totp.internal.auth.TOTP.validate_code", lambda self, given: bool(tries.append(given))
    )
    for number in range(10):
        client = Client(REMOTE_ADDR=f"203.0.113.{number}")
        post_password(client, anna)
        for _ in range(5):
            client.post("/accounts/login/confirm/", {"code": "123456"})
    assert len(tries) == 20


@pytest.mark.parametrize(
    "proxies, header, peer, expected",
    [
        (0, "1.2.3.4", ATTACKER, ATTACKER),
        (1, "1.2.3.4, 198.51.100.20", "10.0.0.1", "198.51.100.20"),
        (1, "198.51.100.20", "10.0.0.1", "198.51.100.20"),
        (2, "1.2.3.4, 198.51.100.20, 10.0.0.2", "10.0.0.1", "198.51.100.20"),
        (2, "198.51.100.20", "10.0.0.1", "10.0.0.1"),
        (1, "", "10.0.0.1", "10.0.0.1"),
        (1, "1.2.3.4, rubbish", "10.0.0.1", "10.0.0.1"),
        (1, "[2001:db8::1]:443", "10.0.0.1", "2001:db8::1"),
        (1, "198.51.100.20:5123", "10.0.0.1", "198.51.100.20"),
        (0, "", "::ffff:203.0.113.7", ATTACKER),
        (0, "", "", ""),
    ],
)
def test_the_true_address(settings, proxies: int, header: str, peer: str, expected: str):
    settings.TRUSTED_PROXY_COUNT = proxies
    request = RequestFactory().get("/", REMOTE_ADDR=peer, headers={"X-Forwarded-For": header} if header else {})
    assert client_address(request) == expected


def test_an_ipv6_customer_is_one_client():
    assert address_group("2001:db8:1:2::1") == address_group("2001:db8:1:2:ffff::9")
    assert address_group("2001:db8:1:2::1") != address_group("2001:db8:1:3::1")
    assert address_group("192.0.2.1") == "192.0.2.1"


def test_allow_counts_to_the_limit_and_forgets_after_the_window(time_machine):
    time_machine.move_to("2030-01-01T08:00:00Z", tick=False)
    assert [limits.allow("link", "abc", 3, 60) for _ in range(5)] == [True, True, True, False, False]
    assert limits.allow("link", "other", 3, 60)
    assert limits.allow("other", "abc", 3, 60)
    time_machine.shift(59)
    assert not limits.allow("link", "abc", 3, 60)
    time_machine.shift(2)
    assert limits.allow("link", "abc", 3, 60)


def test_allow_is_exact_when_many_try_at_once():
    with ThreadPoolExecutor(16) as pool:
        results = list(pool.map(lambda _: limits.allow("link", "race", 10, 60), range(200)))
    assert sum(results) == 10


def test_a_refund_gives_one_try_back():
    assert limits.allow("link", "abc", 1, 60)
    limits.refund("link", "abc")
    assert limits.allow("link", "abc", 1, 60)
    assert not limits.allow("link", "abc", 1, 60)
