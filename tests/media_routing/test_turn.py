"""TURN credentials: against an independently computed value, and what must never be minted."""

from __future__ import annotations

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from media_routing.api import MAX_TTL_S, TurnServer, ice_servers, turn_probe_servers
from media_routing.turn import credential

NOW_S = 1_790_000_000.9
SERVER = TurnServer("turn.clinic.example", "s3cret", 3478, 3479, 443)


def test_it_refuses_a_life_longer_than_five_minutes():
    for ttl_s in (0, -1, MAX_TTL_S + 1):
        with pytest.raises(ValueError):
            ice_servers([SERVER], "Anna", now_s=NOW_S, ttl_s=ttl_s)


@pytest.mark.parametrize("participant_id", ["", "a:b", "9999999999:a", "a b", "x" * 65])
def test_it_refuses_an_id_that_could_forge_an_expiry(participant_id):
    with pytest.raises(ValueError):
        ice_servers([SERVER], participant_id, now_s=NOW_S)


def test_it_refuses_to_sign_without_a_secret():
    with pytest.raises(ValueError):
        credential("", "Anna", now_s=NOW_S, ttl_s=60)


@pytest.mark.parametrize("host", ["", "turn:host", "host:3478", "a b", "host/x", "-host", "host?x", "[::1]"])
def test_it_refuses_a_host_that_is_more_than_a_host(host):
    with pytest.raises(ValueError):
        TurnServer(host, "s3cret")


def test_a_port_outside_the_range_is_refused():
    with pytest.raises(ValueError):
        TurnServer("turn.clinic.example", "s3cret", udp_port=70000)


def test_the_password_is_the_hmac_of_expiry_and_participant():
    [server] = ice_servers([SERVER], "Anna", now_s=NOW_S, ttl_s=240)
    assert server["username"] == "1790000240:Anna"
    expected = hmac.new(b"s3cret", b"1790000240:Anna", hashlib.sha1).digest()
    assert base64.b64decode(server["credential"]) == expected


def test_it_offers_udp_then_tcp_then_tls():
    [server] = ice_servers([SERVER], "Anna", now_s=NOW_S)
    assert server["urls"] == [
        "turn:turn.clinic.example:3478?transport=udp",
        "turn:turn.clinic.example:3479?transport=tcp",
        "turns:turn.clinic.example:443?transport=tcp",
    ]


def test_an_address_of_version_6_is_bracketed():
    assert TurnServer("2001:db8::7", "s3cret", tcp_port=0, tls_port=None).urls == [
        "turn:[2001:db8::7]:3478?transport=udp"
    ]


def test_a_server_without_any_transport_is_left_out():
    assert ice_servers([TurnServer("turn.clinic.example", "s3cret", 0, 0, 0)], "Anna", now_s=NOW_S) == []


def test_the_secret_is_in_no_representation_and_no_answer():
    assert "s3cret" not in repr(SERVER)
    assert "s3cret" not in repr(ice_servers([SERVER], "Anna", now_s=NOW_S))


@given(st.integers(1, MAX_TTL_S), st.floats(0, 4e9), st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True))
def test_it_always_expires_within_five_minutes_and_names_the_participant(ttl_s, now_s, participant_id):
    username, _ = credential("s3cret", participant_id, now_s=now_s, ttl_s=ttl_s)
    expiry, _, name = username.partition(":")
    assert name == participant_id
    assert 0 < int(expiry) - int(now_s) <= MAX_TTL_S


def test_the_probe_asks_every_transport_with_a_password_that_cannot_work():
    probes = turn_probe_servers([SERVER])
    assert [probe["urls"] for probe in probes] == [[url] for url in SERVER.urls]
    for probe in probes:
        real = base64.b64encode(hmac.new(b"s3cret", str(probe["username"]).encode(), hashlib.sha1).digest()).decode()
        assert probe["credential"] != real
        assert str(probe["username"]).startswith("0:")
