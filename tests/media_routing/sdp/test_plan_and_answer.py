"""From an offer to the switch's plan, and to an answer that names nothing that was not offered."""

import re

import pytest

from media_routing.sdp import SdpError, parse_offer, plan_leg, still_fits
from media_routing.sdp.lines import split
from tests.media_routing.sdp.offers import FINGERPRINT, OFFERS, SHORT, SOURCES, answer, ssrcs

SHORT_SOURCES = {"0": "microphone", "1": "camera"}


def code_of(text: str, sources: dict[str, str]) -> str:
    offer = parse_offer(text)
    with pytest.raises(SdpError) as caught:
        plan_leg(offer, sources, ssrcs())
    return caught.value.code


def test_the_plan_of_a_short_offer() -> None:
    numbers = iter([0, 1001, 5, 5, 6])  # taken ones are drawn again
    plan = plan_leg(parse_offer(SHORT), SHORT_SOURCES, lambda: next(numbers))
    microphone, camera = plan.publishes
    assert (microphone.source, microphone.payload_type, microphone.rtx_payload_type) == ("microphone", 111, 0)
    assert (microphone.ssrcs, microphone.rids) == ((1001,), ())
    assert (camera.source, camera.payload_type, camera.rtx_payload_type) == ("camera", 96, 97)
    assert (camera.ssrcs, camera.rids) == ((), ("l", "h"))
    [slot] = plan.slots
    assert (slot.mid, slot.kind, slot.payload_type, slot.rtx_payload_type) == ("2", "video", 96, 97)
    assert (slot.ssrc, slot.rtx_ssrc) == (5, 6)
    assert {name: number for name, number in plan.extensions.items() if number} == {
        "mid": 4,
        "rid": 10,
        "repaired_rid": 11,
        "audio_level": 1,
    }


def test_an_id_beyond_one_byte_headers_counts_as_not_offered() -> None:
    plan = plan_leg(parse_offer(SHORT.replace("extmap:1 ", "extmap:15 ")), SHORT_SOURCES, ssrcs())
    assert plan.extensions["audio_level"] == 0


REFUSALS = {
    "an unknown source": (SHORT, {"0": "lamp"}, "bad_source"),
    "a camera that is heard": (SHORT, {"0": "camera"}, "bad_source"),
    "a line that does not send": (SHORT, {"2": "camera"}, "bad_source"),
    "a line that is not there": (SHORT, {"7": "camera"}, "bad_source"),
    "two cameras": (OFFERS["chromium-5"], {"1": "camera", "2": "camera"}, "bad_source"),
    "a line both ways": (SHORT.replace("a=recvonly", "a=sendrecv"), {}, "bad_direction"),
    "no VP8": (SHORT.replace("VP8", "VP9"), SHORT_SOURCES, "no_codec"),
    "Opus in mono": (SHORT.replace("opus/48000/2", "opus/48000"), SHORT_SOURCES, "no_codec"),
    "a payload type that looks like RTCP": (SHORT.replace("111", "72"), SHORT_SOURCES, "bad_codec"),
    "layers without names": (SHORT.replace("extmap:10 ", "extmap:15 "), SHORT_SOURCES, "bad_rid"),
    "one id for two sections' different uses": (
        SHORT.replace("a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid", "a=extmap:5 urn:ietf:params:rtp-hdrext:sdes:mid", 1),
        SHORT_SOURCES,
        "bad_extension",
    ),
    "a stream that nobody could recognise": (
        SHORT.replace("a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid\r\n", "").replace("a=ssrc:1001 cname:x\r\n", ""),
        {"0": "microphone"},
        "bad_ssrc",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("text", "sources", "code"), REFUSALS.values(), ids=REFUSALS)
def test_what_cannot_be_planned_is_refused(text: str, sources: dict[str, str], code: str) -> None:
    assert code_of(text, sources) == code


def test_the_answer_to_a_short_offer() -> None:
    offer = parse_offer(SHORT)
    transport = f"""\
a=ice-ufrag:telemed1
a=ice-pwd:pppppppppppppppppppppppp
a=fingerprint:sha-256 {FINGERPRINT.value}
a=setup:passive
a=candidate:1 1 udp 2130706431 192.0.2.1 40000 typ host
a=candidate:2 1 udp 2130706175 2001:db8::1 40000 typ host
a=end-of-candidates
"""
    numbers = iter([5, 6])
    assert (
        answer(offer, plan_leg(offer, SHORT_SOURCES, lambda: next(numbers)))
        == f"""\
v=0
o=- 4611686018427387904 1 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
a=ice-lite
m=audio 9 UDP/TLS/RTP/SAVPF 111
c=IN IP4 0.0.0.0
a=mid:0
a=recvonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
{transport}m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=mid:1
a=recvonly
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
a=rid:l recv
a=rid:h recv
a=simulcast:recv l;h
{transport}m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=mid:2
a=sendonly
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=ssrc-group:FID 5 6
a=ssrc:5 cname:sfu
a=ssrc:6 cname:sfu
{transport}""".replace("\n", "\r\n")
    )


@pytest.mark.parametrize("name", OFFERS)
def test_an_answer_says_nothing_that_was_not_offered(name: str) -> None:
    offered = OFFERS[name]
    offer = parse_offer(offered)
    _, asked = split(offered)
    _, answered = split(answer(offer, plan_leg(offer, SOURCES, ssrcs())))
    assert len(asked) == len(answered)
    for ours, theirs in zip(answered, asked, strict=True):
        assert ours.one("mid") == theirs.one("mid")
        assert set(ours.head.split()[3:]) <= set(theirs.head.split()[3:])
        for attribute in ("rtpmap", "rtcp-fb"):
            assert {value.lower() for value in ours.values(attribute)} <= {v.lower() for v in theirs.values(attribute)}
        theirs_extensions = {re.sub(r"/\w+", "", value, count=1) for value in theirs.values("extmap")}
        assert {re.sub(r"/\w+", "", value, count=1) for value in ours.values("extmap")} <= theirs_extensions


def test_a_direction_of_an_extension_is_mirrored() -> None:
    """RFC 8285 §6: Firefox offers layer names as /sendonly."""
    offer = parse_offer(OFFERS["firefox-2"])
    text = answer(offer, plan_leg(offer, SOURCES, ssrcs()))
    assert "/recvonly urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id" in text
    assert "/sendonly" not in text


def test_a_data_channel_is_rejected_alone() -> None:
    offer = parse_offer(OFFERS["chromium-2-data"])
    text = answer(offer, plan_leg(offer, SOURCES, ssrcs()))
    assert "m=application 0 UDP/DTLS/SCTP webrtc-datachannel\r\n" in text
    data = next(section.mid for section in offer.sections if section.kind == "application")
    assert data not in re.findall(r"a=group:BUNDLE (.*)\r\n", text)[0].split()


def test_a_rate_is_asked_for_where_there_is_no_better_feedback() -> None:
    both = SHORT.replace(
        "a=rtcp-fb:96 nack\r\n", "a=rtcp-fb:96 nack\r\na=rtcp-fb:96 goog-remb\r\na=rtcp-fb:* transport-cc\r\n"
    )
    alone = both.replace("a=rtcp-fb:* transport-cc\r\n", "")
    for text, wanted in ((both, False), (alone, True)):
        offer = parse_offer(text)
        assert ("goog-remb" in answer(offer, plan_leg(offer, SHORT_SOURCES, ssrcs()))) is wanted


def test_a_restart_asks_for_the_same() -> None:
    first, again = parse_offer(OFFERS["firefox-8"]), parse_offer(OFFERS["firefox-8-restart"])
    plan = plan_leg(first, SOURCES, ssrcs())
    assert first.ufrag != again.ufrag
    assert first.fingerprints == again.fingerprints
    assert still_fits(plan, again, SOURCES)
    assert not still_fits(plan, parse_offer(OFFERS["firefox-5"]), SOURCES)
    assert not still_fits(plan, parse_offer(OFFERS["chromium-8"]), SOURCES)
    assert not still_fits(plan, again, {"0": "microphone"})
    assert not still_fits(plan, again, {"9": "microphone"})
    assert "o=- 4611686018427387904 2 IN" in answer(again, plan, version=2)


def test_an_ended_section_stays_ended() -> None:
    """Port 0 without bundle-only (RFC 8829 §5.2.2): a transceiver that was stopped."""
    text = SHORT.replace("m=audio 9", "m=audio 0").replace("BUNDLE 0 1 2", "BUNDLE 1 2")
    offer = parse_offer(text)
    plan = plan_leg(offer, {"1": "camera"}, ssrcs())
    assert [publish.mid for publish in plan.publishes] == ["1"]
    said = answer(offer, plan)
    assert "m=audio 0 UDP/TLS/RTP/SAVPF 111 0\r\n" in said
    assert said.index("a=candidate") > said.index("m=video")
