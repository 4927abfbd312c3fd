"""Whatever a stranger sends, the parser answers with a message or with ProtocolError."""

import json
import string

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consultations.rooms import protocol
from consultations.rooms.protocol import ProtocolError, parse

ID = "0123456789abcdefghijkl"
STREAM = "page-one-1.page-two-2"
SDP = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 111\r\n"
MEDIA = {
    "mic": True,
    "camera": False,
    "screen": False,
    "hand": True,
    "hand_at_ms": 1_800_000_000_000,
    "sends": ["audio"],
}
CANDIDATE = "candidate:1 1 udp 2122 192.168.1.2 5000 typ host"

QUALITY = {
    "warm": True,
    "engine": "sfu",
    "audio": 71,
    "video": None,
    "audio_factor": "rtt",
    "video_factor": "",
    "rtt_ms": 40.6,
    "jitter_ms": None,
    "loss_in": 0.25,
    "loss_out": 0,
    "concealed": 1,
    "freeze": None,
    "fps": 24.5,
    "in_bps": 900_000,
    "out_bps": 0,
    "available_out_bps": None,
    "remedy": "audio_first",
}


def signal(body: object) -> str:
    return json.dumps({"type": "signal", "to": ID, "stream": STREAM, "seq": 1, "body": body})


def code_of(text: str) -> tuple[str, bool]:
    with pytest.raises(ProtocolError) as caught:
        parse(text)
    return caught.value.code, caught.value.fatal


def test_it_reads_every_message() -> None:
    examples = [
        ({"type": "hello", "v": 1, "page": "page-one-1", "rev": 0}, protocol.Hello("page-one-1", 0)),
        ({"type": "ping", "rev": 3}, protocol.Ping(3)),
        ({"type": "ack", "to": ID, "stream": STREAM, "seq": 0}, protocol.Ack(ID, STREAM, 0)),
        ({"type": "ice_servers", "id": "1"}, protocol.IceServers("1")),
        ({"type": "leave", "id": "1"}, protocol.Leave("1")),
        ({"type": "finish", "id": "1", "outcome": "done"}, protocol.Finish("1", "done")),
        (
            {"type": "admit", "id": "1", "participant": ID, "identity": "known"},
            protocol.Admit("1", ID, "known"),
        ),
        ({"type": "admit_device", "id": "1", "participant": ID, "device": ID}, protocol.AdmitDevice("1", ID, ID)),
        ({"type": "remove", "id": "1", "participant": ID, "reason": "other"}, protocol.Remove("1", ID, "other")),
        (
            {
                "type": "path",
                "report": {"state": "connected", "route": "relay", "local": "relay", "remote": "prflx", "rtt_ms": 12.6},
            },
            protocol.Path(protocol.PathReport("connected", "relay", "relay", "prflx", 13)),
        ),
        (
            {
                "type": "invite",
                "id": "1",
                "role": "interpreter",
                "name": " Ina Iver ",
                "language": "de",
                "contact": None,
            },
            protocol.Invite("1", "interpreter", "Ina Iver", "de", ""),
        ),
        (
            {
                "type": "consent",
                "id": "1",
                "purpose": "recording",
                "decision": "granted",
                "version": 2,
                "capacity": "carer",
            },
            protocol.Consent("1", "recording", "granted", 2, "carer"),
        ),
        ({"type": "quality", **QUALITY}, protocol.Quality(protocol.QualityReport(**{**QUALITY, "rtt_ms": 41}))),
        ({"type": "trouble", "id": "1", "kind": "no_sound"}, protocol.Trouble("1", "no_sound")),
        ({"type": "move", "id": "1", "answer": "no"}, protocol.MoveAnswer("1", "no")),
        ({"type": "recording", "id": "1", "action": "request"}, protocol.Recording("1", "request")),
        (
            {"type": "sfu_offer", "id": "1", "connection": "connection", "sdp": SDP, "sources": {"0": "microphone"}},
            protocol.SfuOffer("1", "connection", SDP, {"0": "microphone"}),
        ),
        (
            {"type": "sfu_view", "wants": [{"participant": ID, "source": "camera", "height": 360, "pinned": True}]},
            protocol.SfuView((protocol.Want(ID, "camera", 360, True),)),
        ),
        (
            {"type": "say", "to": None, "body": {"kind": "media", "media": MEDIA}},
            protocol.Say(None, protocol.MediaState(True, False, False, True, ("audio",), 1_800_000_000_000)),
        ),
    ]
    assert {data["type"] for data, _ in examples} | {"signal"} == set(protocol.READERS)
    for data, message in examples:
        assert parse(json.dumps(data)) == message


@pytest.mark.parametrize(
    "change",
    [
        {"warm": 1},
        {"engine": "mcu"},
        {"audio": 101},
        {"audio": 70.5},
        {"video": -1},
        {"audio_factor": "mood"},
        {"loss_in": 1.01},
        {"loss_out": True},
        {"freeze": "0"},
        {"fps": 241},
        {"in_bps": 1.5},
        {"rtt_ms": -1},
        {"remedy": None},
    ],
)
def test_a_measurement_that_cannot_be_is_refused(change: dict[str, object]) -> None:
    assert code_of(json.dumps({"type": "quality", **QUALITY, **change})) == ("bad_field", False)
    assert code_of(json.dumps({"type": "move", "id": "1", "answer": "maybe"})) == ("bad_field", False)
    assert code_of(json.dumps({"type": "trouble", "id": "1", "kind": "tired"})) == ("bad_field", False)


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "description", "type": "offer", "sdp": SDP},
        {"kind": "description", "type": "rollback", "sdp": ""},
        {"kind": "candidate", "candidate": None},
        {
            "kind": "candidate",
            "candidate": {"candidate": CANDIDATE, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "ab"},
        },
        {
            "kind": "candidate",
            "candidate": {"candidate": "", "sdpMid": None, "sdpMLineIndex": None, "usernameFragment": None},
        },
        {"kind": "restart"},
    ],
)
def test_a_signal_goes_in_and_out_unchanged(body: dict[str, object]) -> None:
    message = parse(signal(body))
    assert isinstance(message, protocol.Signal)
    assert message.body.as_json() == body


def test_unknown_fields_are_not_passed_on() -> None:
    message = parse(signal({"kind": "restart", "from": "somebody else", "sdp": SDP}))
    assert isinstance(message, protocol.Signal)
    assert message.body.as_json() == {"kind": "restart"}


@pytest.mark.parametrize(
    "text",
    ["", "x", "[]", "1", "null", '"hello"', "{}", '{"type": 1}', '{"type": null}', "NaN", '{"type": "ping", "rev": NaN}',
     '{"type":"ping","type":"leave"}', "[" * 60_000, '{"a":' * 20_000, '{"type":"ping","rev":' + "9" * 5000 + "}"],
)  # fmt: skip
def test_what_is_not_our_protocol_is_fatal(text: str) -> None:
    assert code_of(text)[1] is True


@pytest.mark.parametrize(
    "data",
    [
        {"type": "ping", "rev": True},
        {"type": "ping", "rev": 1.0},
        {"type": "ping", "rev": -1},
        {"type": "ping"},
        {"type": "hello", "v": 1, "page": "short", "rev": 0},
        {"type": "hello", "v": 1, "page": "pageé-one-1", "rev": 0},
        {"type": "hello", "v": 1, "page": "page-one-1\n", "rev": 0},
        {"type": "admit", "id": "1", "participant": ID, "identity": "sure"},
        {"type": "admit", "id": "1", "participant": ID + "\n", "identity": "known"},
        {"type": "finish", "id": "1"},
        {"type": "finish", "id": "x" * 37, "outcome": "done"},
        {"type": "signal", "to": ID, "stream": "page-one-1", "seq": 1, "body": {"kind": "restart"}},
        {"type": "signal", "to": ID, "stream": STREAM, "seq": 0, "body": {"kind": "restart"}},
        {"type": "signal", "to": ID, "stream": STREAM, "seq": 1, "body": {"kind": "hidden"}},
        {"type": "signal", "to": ID, "stream": STREAM, "seq": 1, "body": []},
    ],
)
def test_a_wrong_field_is_refused_and_not_fatal(data: dict[str, object]) -> None:
    assert code_of(json.dumps(data)) == ("bad_field", False)


WANT = {"participant": ID, "source": "camera", "height": 180, "pinned": False}
LINE = {"id": "m1", "from": ID, "at_ms": 1, "text": "Hello"}
OFFER = {"type": "sfu_offer", "id": "1", "connection": "connection", "sdp": SDP, "sources": {"0": "camera"}}
INVITE = {
    "type": "invite",
    "id": "1",
    "role": "relative",
    "name": "Rita",
    "language": "",
    "contact": "rita@mail.example",
}


def say(body: object, to: object = None) -> dict[str, object]:
    return {"type": "say", "to": to, "body": body}


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "media", "media": MEDIA},
        {"kind": "chat", "message": {"id": "m1", "at_ms": 1, "text": "Two\nlines"}},
        {"kind": "history", "messages": [LINE] * 100},
        {"kind": "keys", "keys": {"items": [{"kind": "key", "key_id": 2**40, "box": "b" * 100}], "nested": [[None]]}},
        {"kind": "sealed", "data": "aA-_9" * 4000},
        {"kind": "part", "data": "aA-_9" * 11_000},
    ],
)
def test_what_is_said_goes_in_and_out_unchanged(body: dict[str, object]) -> None:
    message = parse(json.dumps(say({**body, "from": "somebody else"}, ID)))
    assert isinstance(message, protocol.Say)
    assert message.body.as_json() == body


@pytest.mark.parametrize(
    "data",
    [
        say({"kind": "history", "messages": [LINE]}),  # to everybody: an answer to one newcomer, times eight
        say({"kind": "keys", "keys": {"items": []}}),  # to everybody
        say({"kind": "keys", "keys": []}, ID),
        say({"kind": "keys", "keys": {"big": "x" * 4096}}, ID),
        say({"kind": "keys", "keys": {"big": "é" * 2100}}, ID),
        say({"kind": "keys", "keys": {"half": "\ud800"}}, ID),
        say({"kind": "sealed", "data": ""}),
        say({"kind": "sealed", "data": "not base64url!"}),
        say({"kind": "sealed", "data": "A" * 24_001}),
        say({"kind": "part", "data": "A"}),  # to everybody: seven times a picture
        say({"kind": "part", "data": "A" * 58_001}, ID),
        say({"kind": "part", "data": "not base64url!"}, ID),
        say({"kind": "history", "messages": [LINE] * 101}, ID),
        say({"kind": "history", "messages": [{**LINE, "from": "x"}]}, ID),
        say({"kind": "chat", "message": {**LINE, "text": ""}}),
        say({"kind": "chat", "message": {**LINE, "text": "x" * 4001}}),
        say({"kind": "chat", "message": {**LINE, "text": "\x00"}}),
        say({"kind": "chat", "message": {**LINE, "text": "\ud800"}}),
        say({"kind": "chat", "message": {**LINE, "at_ms": 1.5}}),
        say({"kind": "media", "media": {**MEDIA, "mic": 1}}),
        say({"kind": "media", "media": {**MEDIA, "hand_at_ms": -1}}),
        say({"kind": "media", "media": {**MEDIA, "hand_at_ms": 1.5}}),
        say({"kind": "media", "media": {**MEDIA, "hand_at_ms": 2**53}}),
        say({"kind": "media", "media": {**MEDIA, "sends": ["audio", "audio"]}}),
        say({"kind": "media", "media": {**MEDIA, "sends": [["audio"]]}}),
        say({"kind": "verified"}),
        say({"kind": "chat", "message": LINE}, "everybody"),
        {"type": "say", "body": {"kind": "chat", "message": LINE}},
        {"type": "sfu_view", "wants": [WANT, WANT]},
        {"type": "sfu_view", "wants": [{**WANT, "participant": f"{n:022}"} for n in range(17)]},
        {"type": "sfu_view", "wants": [{**WANT, "height": -1}]},
        {"type": "sfu_view", "wants": [{**WANT, "height": 10_000}]},
        {"type": "sfu_view", "wants": [{**WANT, "source": "desk"}]},
        {"type": "sfu_view", "wants": {"0": WANT}},
        {**OFFER, "sources": {}},
        {**OFFER, "sources": {"0": "camera", "1": "camera"}},
        {**OFFER, "sources": {"0": "camera", "1": "screen", "2": "microphone", "3": "camera"}},
        {**OFFER, "sources": {"a b": "camera"}},
        {**OFFER, "sources": {"x" * 17: "camera"}},
        {**OFFER, "sources": {"0": ["camera"]}},
        {**OFFER, "sources": ["camera"]},
        {**OFFER, "connection": "short"},
        {**OFFER, "sdp": "v=0\r\n" + "m=audio 9 X 111\r\n" * 21},
        {**OFFER, "sdp": SDP + "a=" + "x" * 57_344 + "\r\n"},
        {**INVITE, "role": "patient"},
        {**INVITE, "role": "practitioner"},
        {**INVITE, "name": "  "},
        {**INVITE, "name": "x" * 151},
        {**INVITE, "name": "Rita\nRude"},
        {**INVITE, "language": "../de"},
        {**INVITE, "contact": "x" * 255},
    ],
)
def test_a_wrong_field_about_the_media_server_is_refused(data: dict[str, object]) -> None:
    assert code_of(json.dumps(data)) == ("bad_field", False)


def test_an_offer_for_eight_people_is_taken() -> None:
    sdp = "v=0\r\n" + ("m=video 9 UDP/TLS/RTP/SAVPF 96\r\n" + "a=rtpmap:96 VP8/90000\r\n" * 100) * 20
    message = parse(json.dumps({**OFFER, "sdp": sdp}))
    assert isinstance(message, protocol.SfuOffer)


def test_another_version_is_fatal() -> None:
    assert code_of('{"type":"hello","v":2,"page":"page-one-1","rev":0}') == ("bad_message", True)


def test_a_refused_request_can_be_answered() -> None:
    with pytest.raises(ProtocolError) as caught:
        parse('{"type":"finish","id":"abc","outcome":"x"}')
    assert caught.value.request_id == "abc"


@pytest.mark.parametrize(
    "sdp",
    [
        "",
        "v=1\r\n",
        "o=- 1 2 IN IP4 127.0.0.1\r\n",
        SDP + "no line at all\r\n",
        SDP + "a=x\x00y\r\n",
        SDP + "a=x\ry\r\n",
        "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 9,
        SDP + f"a={CANDIDATE}\r\n" * 65,
        SDP + "a=" + "x" * 32_768 + "\r\n",
        SDP + "a=" + "ü" * 16_384 + "\r\n",
    ],
)
def test_an_sdp_out_of_shape_or_size_is_refused(sdp: str) -> None:
    assert code_of(signal({"kind": "description", "type": "offer", "sdp": sdp})) == ("bad_field", False)


def test_an_sdp_at_the_limits_is_taken() -> None:
    sdp = "v=0\r\n" + "m=audio 9 UDP/TLS/RTP/SAVPF 111\r\n" * 8 + f"a={CANDIDATE}\r\n" * 64
    assert isinstance(parse(signal({"kind": "description", "type": "answer", "sdp": sdp})), protocol.Signal)


@pytest.mark.parametrize(
    "candidate", ["\ud800", "candidate:\ud800", "candidate:1\n", "host", "candidate:" + "x" * 1024]
)
def test_a_candidate_that_could_hurt_is_refused(candidate: str) -> None:
    inner = {"candidate": candidate, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": None}
    assert code_of(signal({"kind": "candidate", "candidate": inner})) == ("bad_field", False)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.text(string.printable),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
names = st.sampled_from(
    ["id", "v", "page", "rev", "to", "stream", "seq", "body", "report", "participant", "identity", "device", "outcome",
     "kind", "sdp", "candidate", "sdpMid", "wants", "source", "height", "pinned", "connection", "sources", "media",
     "message", "messages", "at_ms", "text", "from", "role", "name", "language", "contact", "sends"]
)  # fmt: skip
good = st.sampled_from(
    [1, ID, STREAM, "page-one-1", "done", "known", "offer", SDP, CANDIDATE, "description", "candidate"]
)
inner = st.dictionaries(names, anything | good, max_size=6)
almost = st.fixed_dictionaries(
    {"type": st.sampled_from(sorted(protocol.READERS))},
    optional=dict.fromkeys(
        (
            "id",
            "to",
            "stream",
            "seq",
            "body",
            "report",
            "page",
            "v",
            "rev",
            "wants",
            "connection",
            "sdp",
            "sources",
            "role",
            "name",
            "language",
            "contact",
        ),
        anything | good | inner | st.lists(inner, max_size=3),
    ),
)


def _never_raises_anything_else(text: str) -> None:
    try:
        message = parse(text)
    except ProtocolError:
        return
    if isinstance(message, protocol.Signal | protocol.Say):
        json.dumps(message.body.as_json(), ensure_ascii=False).encode()  # can be sent on


@given(st.text() | st.binary().map(lambda data: data.decode("utf-8", "surrogateescape")))
@settings(max_examples=300, deadline=None)
def test_random_text_never_breaks_the_parser(text: str) -> None:
    _never_raises_anything_else(text)


@given(almost | anything)
@settings(max_examples=600, deadline=None)
def test_random_messages_never_break_the_parser(data: object) -> None:
    _never_raises_anything_else(json.dumps(data))


@given(st.text(max_size=200), st.integers(0, len(SDP)))
@settings(max_examples=300, deadline=None)
def test_a_mutated_sdp_never_breaks_the_parser(noise: str, place: int) -> None:
    _never_raises_anything_else(
        signal({"kind": "description", "type": "offer", "sdp": SDP[:place] + noise + SDP[place:]})
    )


def test_a_page_that_does_not_say_since_when_its_hand_is_up_is_read_too() -> None:
    media = {name: value for name, value in MEDIA.items() if name != "hand_at_ms"}
    read = protocol.parse(json.dumps({"type": "say", "to": None, "body": {"kind": "media", "media": media}}))
    assert read == protocol.Say(None, protocol.MediaState(True, False, False, True, ("audio",), 0))
