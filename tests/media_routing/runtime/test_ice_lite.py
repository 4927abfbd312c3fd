"""Checks are answered when they are ours and authentic, and nothing else is answered at all."""

import pytest
from aioice import stun

from media_routing.runtime import ice_lite
from media_routing.runtime.ice_lite import Credentials, Responder

OURS = Credentials("abcdef012345", "p" * 32)


def check(ufrag=OURS.ufrag, password=OURS.password, *, nominate=False, **attributes):
    request = stun.Message(stun.Method.BINDING, stun.Class.REQUEST)
    request.attributes["USERNAME"] = f"{ufrag}:theirs"
    request.attributes["PRIORITY"] = 1
    request.attributes.update(attributes or {"ICE-CONTROLLING": 5})
    if nominate:
        request.attributes["USE-CANDIDATE"] = None
    if password is not None:
        request.add_message_integrity(password.encode())
    return bytes(request)


@pytest.fixture
def responder():
    responder = Responder()
    responder.add(OURS, "owner")
    return responder


def answer(responder, data):
    return responder.check(data, lambda: ("192.0.2.7", 4242)) if ice_lite.looks_like_stun(data) else None


def test_an_authentic_check_is_answered_with_the_address_seen(responder):
    found = answer(responder, check())
    assert (found.owner, found.nominates) == ("owner", False)
    response = stun.parse_message(found.response)
    assert response.message_class == stun.Class.RESPONSE
    assert response.attributes["XOR-MAPPED-ADDRESS"] == ("192.0.2.7", 4242)
    assert response.check_message_integrity(OURS.password.encode())
    assert response.transaction_id == stun.parse_message(check()).transaction_id or len(response.transaction_id) == 12


def test_a_nomination_is_seen(responder):
    assert answer(responder, check(nominate=True)).nominates is True


def test_a_controlled_peer_is_told_to_change(responder):
    response = stun.parse_message(answer(responder, check(**{"ICE-CONTROLLED": 9})).response)
    assert response.error_code == 487
    assert response.check_message_integrity(OURS.password.encode())


@pytest.mark.parametrize(
    "data",
    [
        check(ufrag="unknown"),
        check(password="q" * 32),
        check(password=None),
        check()[:-1],
        check()[:19],
        check() + b"\0",
        check()[:4] + b"\0\0\0\0" + check()[8:],
        b"\1\1" + check()[2:],
        b"",
        b"\0" * 20,
        b"\0\1\0\4" + ice_lite.COOKIE + bytes(12) + b"\0\6\xff\xff",
        bytes(check().replace(b"theirs", b"forged")),
    ],
)
def test_anything_else_gets_no_answer(responder, data):
    assert answer(responder, data) is None


def test_strangers_leave_nothing_behind(responder):
    for number in range(1000):
        answer(responder, check(ufrag=f"guess{number}", password="x" * 22))
    assert len(responder) == 1


def test_removed_credentials_are_forgotten(responder):
    responder.remove(OURS)
    assert answer(responder, check()) is None


def test_credentials_suit_the_grammar():
    """RFC 8839 §5.4: at least 24 and 128 bits, of ice-chars."""
    made = ice_lite.new_credentials()
    assert len(made.ufrag) >= 4 and len(made.password) >= 22
    assert set(made.ufrag + made.password) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+/")
    assert made != ice_lite.new_credentials()
