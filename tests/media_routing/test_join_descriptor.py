"""What one browser is told about joining."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from media_routing.api import Facts, decide, join_descriptor

ids = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJ0123456789_-", min_size=1, max_size=22)


def describe(reason):
    return f"text of {reason.code}"


def test_a_refusal_has_no_descriptor():
    assert join_descriptor(decide(Facts(participants=3)), "a", ["b", "c"], describe) is None


def test_it_tells_the_whole_contract():
    assert join_descriptor(decide(Facts(participants=2, relay_only_by_clinic=True)), "a", ["b"], describe) == {
        "engine": "p2p",
        "decision": {
            "route": "p2p",
            "reasons": [
                {"code": "one_to_one", "text": "text of one_to_one"},
                {"code": "relay_only_by_clinic", "text": "text of relay_only_by_clinic"},
            ],
        },
        "peers": [{"id": "b", "polite": True}],
        "ice_transport_policy": "relay",
        "heartbeat_ms": 500,
        "lost_after_ms": 2500,
        "codecs": ["video/VP8"],
    }


def test_it_tells_the_whole_contract_of_the_media_server():
    facts = Facts(participants=3, relay_only_by_clinic=True, sfu_available=True)
    assert join_descriptor(decide(facts), "b", ["a", "b", "c"], describe, room_size=4) == {
        "engine": "sfu",
        "decision": {
            "route": "sfu",
            "reasons": [
                {"code": code, "text": f"text of {code}"}
                for code in ("three_or_more", "encrypted_to_server", "addresses_hidden_by_server")
            ],
        },
        "peers": [{"id": "a"}, {"id": "c"}],
        "ice_transport_policy": "all",
        "room_size": 4,
        "heartbeat_ms": 500,
        "lost_after_ms": 2500,
        "codecs": ["video/VP8"],
        "layers": [
            {"rid": "l", "height": 180, "max_bps": 100_000},
            {"rid": "m", "height": 360, "max_bps": 350_000},
            {"rid": "h", "height": 720, "max_bps": 1_500_000},
        ],
    }


@given(ids, ids)
def test_exactly_one_of_two_is_polite(anna, ben):
    decision = decide(Facts(participants=2))
    mine = join_descriptor(decision, anna, [anna, ben], describe)["peers"]
    theirs = join_descriptor(decision, ben, [anna, ben], describe)["peers"]
    if anna == ben:
        assert mine == theirs == []
    else:
        assert [peer["id"] for peer in mine] == [ben]
        assert mine[0]["polite"] != theirs[0]["polite"]
