"""Who may send what to whom, as pure decisions; and what is left of an SDP when addresses are hidden."""

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consultations.rooms import protocol, signaling
from consultations.rooms.protocol import Candidate, Description, Hidden, Restart, Signal
from consultations.rooms.signaling import Act, Close, Refuse, Relay, Viewer, decide, strip_candidate, strip_sdp

ANNA, PAUL, NORA = "A" * 22, "P" * 22, "N" * 22
PAUL_INSIDE = Viewer(PAUL, "patient", "admitted", "paul-page", True, "live", frozenset({ANNA}))
ANNA_INSIDE = Viewer(ANNA, "practitioner", "admitted", "anna-page", True, "live", frozenset({PAUL}))
TO_ANNA = Signal(ANNA, "paul-page.anna-page", 1, Restart())
REQUESTS = [
    protocol.Admit("1", PAUL, "known"),
    protocol.AdmitDevice("1", PAUL, PAUL),
    protocol.Remove("1", PAUL, "other"),
    protocol.Finish("1", "done"),
]


def test_an_admitted_person_reaches_the_addressed_peer_and_speaks_as_themselves() -> None:
    effect = decide(PAUL_INSIDE, TO_ANNA)
    assert isinstance(effect, Relay)
    assert effect.to == ANNA
    assert effect.message["from"] == PAUL


@pytest.mark.parametrize(
    "change",
    [
        {"state": "waiting"},
        {"state": "preparing"},
        {"state": "left"},
        {"device_active": False},
        {"room_state": "open"},
    ],
)
def test_who_is_not_inside_sends_nothing(change: dict[str, object]) -> None:
    outside = replace(PAUL_INSIDE, **change)
    assert decide(outside, TO_ANNA) == Refuse("not_admitted")
    assert decide(outside, protocol.Ack(ANNA, "anna-page.paul-page", 1)) == Refuse("not_admitted")
    assert decide(outside, protocol.IceServers("7")) == Refuse("not_admitted", "7")


@pytest.mark.parametrize("route", ["p2p", "sfu"])
def test_keys_go_to_one_admitted_person_whatever_the_route(route: str) -> None:
    inside, keys = replace(PAUL_INSIDE, route=route), protocol.Say(ANNA, protocol.Keys({"items": []}))
    assert decide(inside, keys) == signaling.Spread(
        frozenset({ANNA}), {"type": "said", "from": PAUL, "body": {"kind": "keys", "keys": {"items": []}}}
    )
    assert decide(inside, replace(keys, to=NORA)) == Refuse("unknown_person")
    assert decide(replace(inside, state="waiting"), keys) == Refuse("not_admitted")
    assert decide(replace(inside, device_active=False), keys) == Refuse("not_admitted")
    # The control: words of a visit between two stay between the two.
    for words in (protocol.Sealed("c2VhbGVk"), protocol.Part("c2VhbGVk")):
        assert isinstance(decide(inside, protocol.Say(ANNA, words)), signaling.Spread if route == "sfu" else Refuse)


def test_waiting_and_unknown_people_look_the_same() -> None:
    to_nora = replace(TO_ANNA, to=NORA)  # Nora waits; she is no peer
    to_nobody = replace(TO_ANNA, to="X" * 22)
    assert decide(PAUL_INSIDE, to_nora) == decide(PAUL_INSIDE, to_nobody) == Refuse("unknown_person")


def test_nobody_signals_in_the_name_of_another_page() -> None:
    assert decide(PAUL_INSIDE, replace(TO_ANNA, stream="anna-page.paul-page")) == Refuse("wrong_stream")
    assert decide(PAUL_INSIDE, protocol.Ack(ANNA, "paul-page.anna-page", 1)) == Refuse("wrong_stream")
    assert isinstance(decide(PAUL_INSIDE, protocol.Ack(ANNA, "anna-page.paul-page", 1)), Relay)


def test_the_second_connection_of_two_pages_has_a_number() -> None:
    assert isinstance(decide(PAUL_INSIDE, replace(TO_ANNA, stream=f"{TO_ANNA.stream}.1")), Relay)
    assert isinstance(decide(PAUL_INSIDE, protocol.Ack(ANNA, "anna-page.paul-page.1", 1)), Relay)
    assert decide(PAUL_INSIDE, protocol.Ack(ANNA, "paul-page.anna-page.1", 1)) == Refuse("wrong_stream")


@pytest.mark.parametrize("message", REQUESTS)
def test_only_the_practitioner_in_the_room_decides_about_others(message: protocol.Request) -> None:
    assert isinstance(decide(ANNA_INSIDE, message), Act)
    for role in ("patient", "relative", "interpreter", "chaperone", "colleague"):
        assert decide(replace(ANNA_INSIDE, role=role), message) == Refuse("not_allowed", "1")
    assert decide(replace(ANNA_INSIDE, state="left"), message) == Refuse("not_allowed", "1")
    assert decide(replace(ANNA_INSIDE, device_active=False), message) == Refuse("not_allowed", "1")


@pytest.mark.parametrize("message", [*REQUESTS, TO_ANNA, protocol.Ping(0), protocol.Leave("1")])
def test_removed_people_and_ended_visits_are_closed(message: protocol.Message) -> None:
    assert decide(replace(PAUL_INSIDE, state="removed"), message) == Close(4403)
    assert decide(replace(ANNA_INSIDE, room_state="ended"), message) == Close(4410)


def test_a_second_hello_is_refused() -> None:
    assert decide(PAUL_INSIDE, protocol.Hello("paul-page", 0)) == Refuse("hello_twice")


# --- Hidden addresses ---------------------------------------------------------------------------------------------------

RELAY = "candidate:3 1 udp 41885439 198.51.100.7 50000 typ relay raddr 203.0.113.5 rport 61000 generation 0 ufrag ab network-id 1"
HOST = "candidate:1 1 udp 2122260223 192.168.1.20 54321 typ host generation 0"
MDNS = "candidate:1 1 udp 2122260223 5f0a7a1e-3d4b-4b1e-9f5e-6f9d6f3a0b11.local 54321 typ host"
SRFLX = "candidate:2 1 udp 1686052607 203.0.113.5 61000 typ srflx raddr 192.168.1.20 rport 54321"
PRFLX = "candidate:4 1 udp 1 2001:db8::5 1 typ prflx raddr 192.168.1.20 rport 1"
SDP = (
    "v=0\r\no=- 461 2 IN IP4 192.168.1.20\r\ns=-\r\nt=0 0\r\n"
    "m=audio 54321 UDP/TLS/RTP/SAVPF 111\r\nc=IN IP4 203.0.113.5\r\na=rtcp:54322 IN IP4 203.0.113.5\r\n"
    f"a={HOST}\r\na={MDNS}\r\na={SRFLX}\r\na={PRFLX}\r\na={RELAY}\r\na=remote-candidates:1 203.0.113.9 5000\r\n"
    "a=ice-ufrag:ab\r\na=mid:0\r\nm=video 0 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP6 2001:db8::5\r\n"
)
SECRET_ADDRESSES = ("192.168.1.20", "203.0.113.5", "203.0.113.9", "2001:db8::5", ".local", "54321", "54322", "61000")


@pytest.mark.parametrize(
    "candidate", [HOST, MDNS, SRFLX, PRFLX, "candidate:1 1 udp 1 10.0.0.1 1 typ Relay", "candidate:1"]
)
def test_only_relay_candidates_pass(candidate: str) -> None:
    assert strip_candidate(candidate) is None
    hidden = signaling.hide_addresses(Candidate(candidate, "0", 0, "ab"))
    assert hidden == Hidden()


def test_a_relay_candidate_keeps_its_own_address_and_loses_the_related_one() -> None:
    stripped = strip_candidate(RELAY)
    assert stripped == (
        "candidate:3 1 udp 41885439 198.51.100.7 50000 typ relay raddr 0.0.0.0 rport 9 generation 0 ufrag ab"
    )


def test_an_address_in_an_unknown_extension_does_not_slip_through() -> None:
    stripped = strip_candidate(
        "candidate:3 1 udp 1 198.51.100.7 50000 typ relay x-real 203.0.113.5 raddr 203.0.113.5 rport 1"
    )
    assert stripped is not None
    assert "203.0.113.5" not in stripped


def test_an_sdp_keeps_no_address_but_the_relays() -> None:
    assert any(address in SDP for address in SECRET_ADDRESSES)  # the control: they are there to be found
    stripped = strip_sdp(SDP)
    assert not any(address in stripped for address in SECRET_ADDRESSES)
    assert stripped.count("a=candidate:") == 1
    assert "198.51.100.7 50000 typ relay" in stripped
    assert "a=ice-ufrag:ab" in stripped
    assert "m=video 0 " in stripped  # refused sections stay refused
    assert strip_sdp(stripped) == stripped


def test_the_sender_of_a_hidden_candidate_leaves_no_gap_in_the_numbering() -> None:
    message = Signal(ANNA, "paul-page.anna-page", 5, Candidate(SRFLX, "0", 0, "ab"))
    effect = decide(replace(PAUL_INSIDE, hide_addresses=True), message)
    assert isinstance(effect, Relay)
    assert effect.message["seq"] == 5
    assert effect.message["body"] == {"kind": "hidden"}
    control = decide(PAUL_INSIDE, message)
    assert isinstance(control, Relay)
    assert control.message["body"]["candidate"]["candidate"] == SRFLX


address = st.ip_addresses(v=4).map(str)


@given(st.lists(st.tuples(st.sampled_from(["host", "srflx", "prflx", "relay"]), address, address), max_size=12))
@settings(max_examples=200, deadline=None)
def test_whatever_the_candidates_only_relay_addresses_leave(candidates: list[tuple[str, str, str]]) -> None:
    lines = [
        f"a=candidate:1 1 udp 1 {own} 5000 typ {kind} raddr {related} rport 6000" for kind, own, related in candidates
    ]
    sdp = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nm=audio 9 X 1\r\n" + "".join(line + "\r\n" for line in lines)
    body = signaling.hide_addresses(Description("offer", sdp))
    assert isinstance(body, Description)
    left = set(re.findall(r"\d+\.\d+\.\d+\.\d+", body.sdp)) - {"0.0.0.0"}
    assert left <= {own for kind, own, _ in candidates if kind == "relay"}
