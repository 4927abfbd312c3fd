"""What an offer must say, and the code with which everything else is refused. Refusals are the point: SEC-2, SEC-11."""

import re
from pathlib import Path

import pytest

import media_routing.sdp
from media_routing.sdp import Fingerprint, SdpError, parse_offer, plan_leg
from media_routing.sdp.errors import CODES
from tests.media_routing.sdp.offers import DIGEST, OFFERS, SHORT, SOURCES, ssrcs

OTHER_DIGEST = DIGEST.replace("AB", "CD", 1)


def code_of(text: str) -> str:
    with pytest.raises(SdpError) as caught:
        parse_offer(text)
    assert str(caught.value) == caught.value.code
    return caught.value.code


def test_it_reads_what_the_transport_needs() -> None:
    offer = parse_offer(SHORT)
    assert (offer.ufrag, offer.pwd, offer.setup) == ("abcd", "abcdefghijklmnopqrstuv", "actpass")
    assert offer.fingerprints == (Fingerprint("sha-256", DIGEST),)
    assert offer.bundle == ("0", "1", "2")
    assert [section.direction for section in offer.sections] == ["sendonly", "sendonly", "recvonly"]


@pytest.mark.parametrize("name", OFFERS)
def test_it_reads_what_browsers_write(name: str) -> None:
    offer = parse_offer(OFFERS[name])
    room_size = int(re.findall(r"-(\d)", name)[0])
    plan = plan_leg(offer, SOURCES, ssrcs())
    assert [publish.source for publish in plan.publishes] == ["microphone", "camera", "screen"]
    assert plan.publishes[1].rids == ("l", "m", "h")
    assert [slot.kind for slot in plan.slots] == ["audio"] * (room_size - 1) + ["video"] * room_size
    assert all(slot.rtx_payload_type and slot.rtx_ssrc for slot in plan.slots if slot.kind == "video")
    needed = ("mid", "rid", "repaired_rid", "transport_cc", "audio_level")
    assert all(1 <= plan.extensions[wanted] <= 14 for wanted in needed)


def test_there_are_offers_of_both_browsers() -> None:
    assert {name.split("-")[0] for name in OFFERS} == {"chromium", "firefox"}
    assert len(OFFERS) >= 8


def test_no_captured_offer_names_a_machine() -> None:
    for text in OFFERS.values():
        addresses = re.findall(r"a=candidate:\S+ \d+ \S+ \d+ (\S+)|raddr (\S+)|IN IP[46] (\S+)", text)
        known = re.compile(r"192\.0\.2\.\d+|2001:db8::\d+|0\.0\.0\.0|127\.0\.0\.1|[0-9a-f-]{36}\.local")
        assert all(known.fullmatch(address) for found in addresses for address in found if address)


def test_session_attributes_hold_for_every_section() -> None:
    """As Firefox writes its fingerprint."""
    lines = SHORT.replace(f"a=fingerprint:sha-256 {DIGEST}\r\n", "").replace("a=setup:actpass\r\n", "")
    text = lines.replace("a=group", f"a=fingerprint:SHA-256 {DIGEST.lower()}\r\na=setup:active\r\na=group")
    offer = parse_offer(text)
    assert offer.fingerprints == (Fingerprint("sha-256", DIGEST),)
    assert offer.setup == "active"


def test_several_hashes_of_one_certificate_are_all_kept() -> None:
    """As aiortc writes them: all must match."""
    longer = ":".join(["EF"] * 64)
    text = SHORT.replace(f"{DIGEST}\r\n", f"{DIGEST}\r\na=fingerprint:sha-512 {longer}\r\n")
    assert [one.algorithm for one in parse_offer(text).fingerprints] == ["sha-256", "sha-512"]


def test_line_ends_may_be_bare() -> None:
    assert parse_offer(SHORT.replace("\r\n", "\n")) == parse_offer(SHORT)


FIRST_MID = "a=mid:0\r\n"
REFUSALS = {
    # The grammar.
    "empty": ("", "", "bad_line"),
    "no version": ("v=0\r\n", "", "bad_line"),
    "another version": ("v=0", "v=1", "bad_line"),
    "no session name": ("s=-\r\n", "", "bad_line"),
    "two origins": ("s=-", "o=- 1 2 IN IP4 127.0.0.1\r\ns=-", "bad_line"),
    "not a line": ("t=0 0", "t=0 0\r\nhello", "bad_line"),
    "a control character": ("cname:x", "cname:\0", "bad_line"),
    "a lone carriage return": ("cname:x", "cname:\rx", "bad_line"),
    "half a character": ("cname:x", "cname:\ud800", "bad_line"),
    "a line of 3000": ("cname:x", "cname:" + "x" * 3000, "bad_line"),
    "a session line in a section": ("a=mid:0", "s=-\r\na=mid:0", "bad_line"),
    "33 KiB": ("a=sendonly", "\r\n".join(["a=x:" + "y" * 1000] * 33 + ["a=sendonly"]), "too_large"),
    "41 sections": ("a=simulcast", "m=x 0 Y z\r\n" * 39 + "a=simulcast", "too_many_sections"),
    # Keys: DTLS with a certificate that we can check, and nothing else (SEC-2).
    "no fingerprint anywhere": (f"a=fingerprint:sha-256 {DIGEST}\r\n", "", "no_fingerprint"),
    "a section without": (f"a=fingerprint:sha-256 {DIGEST}\r\na=setup:actpass\r\na=mid:1", "a=setup:actpass\r\na=mid:1", "no_fingerprint"),
    "sha-1": (f"sha-256 {DIGEST}", f"sha-1 {DIGEST[:59]}", "weak_fingerprint"),
    "sha-1 beside a good one": (FIRST_MID, f"a=fingerprint:sha-1 {DIGEST[:59]}\r\n{FIRST_MID}", "weak_fingerprint"),
    "an unknown hash": (f"sha-256 {DIGEST}", f"sha-257 {DIGEST}", "bad_fingerprint"),
    "a short hash": (f"sha-256 {DIGEST}", f"sha-256 {DIGEST[:-3]}", "bad_fingerprint"),
    "a hash of letters": (f"sha-256 {DIGEST}", f"sha-256 {DIGEST.replace('A', 'X')}", "bad_fingerprint"),
    "two certificates in one section": (FIRST_MID, f"a=fingerprint:sha-256 {OTHER_DIGEST}\r\n{FIRST_MID}", "two_fingerprints"),
    "two certificates in two sections": (f"{DIGEST}\r\na=setup:actpass\r\na=mid:1", f"{OTHER_DIGEST}\r\na=setup:actpass\r\na=mid:1", "two_fingerprints"),
    "another one in the session": ("a=group", f"a=fingerprint:sha-256 {OTHER_DIGEST}\r\na=group", "two_fingerprints"),
    "keys in the clear": (FIRST_MID, f"{FIRST_MID}a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\n", "insecure_keys"),
    "keys in the old way": ("a=group", "k=clear:x\r\na=group", "insecure_keys"),
    "RTP without DTLS": ("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 RTP/AVPF", "bad_profile"),
    "RTP over SDES": ("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 RTP/SAVPF", "bad_profile"),
    "over TCP": ("m=audio 9 UDP/TLS/RTP/SAVPF", "m=audio 9 TCP/TLS/RTP/SAVPF", "bad_profile"),
    "a passive offerer": ("a=setup:actpass", "a=setup:passive", "bad_setup"),
    "no role": ("a=setup:actpass\r\n", "", "bad_setup"),
    "two roles": ("a=setup:actpass\r\na=mid:1", "a=setup:active\r\na=mid:1", "bad_setup"),
    "two roles in one section": (FIRST_MID, f"a=setup:active\r\n{FIRST_MID}", "contradiction"),
    # One transport.
    "no mux": ("a=rtcp-mux\r\n", "", "no_mux"),
    "no bundle": ("a=group:BUNDLE 0 1 2\r\n", "", "no_bundle"),
    "a section outside of it": ("BUNDLE 0 1 2", "BUNDLE 0 1", "no_bundle"),
    "an unknown one inside": ("BUNDLE 0 1 2", "BUNDLE 0 1 2 3", "no_bundle"),
    "twice the same": ("BUNDLE 0 1 2", "BUNDLE 0 1 2 2", "no_bundle"),
    "two bundles": ("a=group", "a=group:BUNDLE 0\r\na=group", "no_bundle"),
    "no fragment": ("a=ice-ufrag:abcd\r\n", "", "bad_ice"),
    "a short fragment": ("a=ice-ufrag:abcd", "a=ice-ufrag:abc", "bad_ice"),
    "a short password": ("uv\r\n", "u\r\n", "bad_ice"),
    "a password of other characters": ("uv\r\n", "u-\r\n", "bad_ice"),
    "two fragments in one section": (FIRST_MID, f"a=ice-ufrag:efgh\r\n{FIRST_MID}", "contradiction"),
    "a lite peer": ("a=group", "a=ice-lite\r\na=group", "peer_is_lite"),
    "a wrong candidate": (FIRST_MID, f"{FIRST_MID}a=candidate:1 1 udp 1 example..org 9 typ host\r\n", "bad_candidate"),
    "65 candidates": (FIRST_MID, FIRST_MID + "a=candidate:1 1 udp 1 192.0.2.1 9 typ host\r\n" * 65, "too_many_candidates"),
    # Sections.
    "another kind": ("m=audio", "m=text", "bad_media"),
    "no port": ("m=audio 9", "m=audio x", "bad_line"),
    "no mid": (FIRST_MID, "", "bad_mid"),
    "a long mid": (FIRST_MID, "a=mid:12345678901234567\r\n", "bad_mid"),
    "two mids alike": ("a=mid:1\r\n", FIRST_MID, "bad_mid"),
    "two directions": ("a=sendonly", "a=sendonly\r\na=recvonly", "contradiction"),
    # What every bundled section has to agree on.
    "a payload type above 127": ("SAVPF 111 0", "SAVPF 128 0", "bad_codec"),
    "a payload type twice": ("SAVPF 111 0", "SAVPF 111 111", "bad_codec"),
    "a codec twice": ("a=rtcp-fb:111", "a=rtpmap:111 opus/48000/2\r\na=rtcp-fb:111", "bad_codec"),
    "no codec at all": ("a=rtpmap:111 opus/48000/2", "a=rtpmap:111 opus", "bad_codec"),
    "feedback of nothing": ("a=rtcp-fb:111 transport-cc", "a=rtcp-fb:111", "bad_codec"),
    "one number, two codecs": ("SAVPF 111 0", "SAVPF 111 96\r\na=rtpmap:96 G722/8000", "bad_codec"),
    "an extension id twice": ("a=extmap:1 ", "a=extmap:4 ", "bad_extension"),
    "extension 0": ("a=extmap:1 ", "a=extmap:0 ", "bad_extension"),
    "one id, two extensions": ("a=extmap:10 ", "a=extmap:1 ", "bad_extension"),
    "an extension twice": ("a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id", "a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:mid", "bad_extension"),
    "a layer without a rid": ("a=rid:l send\r\n", "", "bad_rid"),
    "a layer that it wants": ("a=rid:l send", "a=rid:l recv", "bad_rid"),
    "a rid twice": ("a=rid:l send", "a=rid:h send", "bad_rid"),
    "alternatives": ("send l;h", "send l,h", "bad_rid"),
    "layers both ways": ("send l;h", "send l recv h", "bad_rid"),
    "four layers": ("a=rid:l send\r\na=rid:h send\r\na=simulcast:send l;h", "a=rid:1 send\r\na=rid:2 send\r\na=rid:3 send\r\na=rid:4 send\r\na=simulcast:send 1;2;3;4", "bad_rid"),
    "a source that is no number": ("a=ssrc:1001", "a=ssrc:x", "bad_ssrc"),
    "a source of 33 bits": ("a=ssrc:1001", "a=ssrc:4294967296", "bad_ssrc"),
    "a repair of nobody": ("a=ssrc:1001", "a=ssrc-group:FID 1001 1002\r\na=ssrc:1001", "bad_ssrc"),
    "a source in two sections": ("a=simulcast", "a=ssrc:1001 cname:x\r\na=simulcast", "bad_ssrc"),
    "17 sources": ("a=simulcast", "".join(f"a=ssrc:{n} cname:x\r\n" for n in range(17)) + "a=simulcast", "bad_ssrc"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "code"), REFUSALS.values(), ids=REFUSALS)
def test_everything_else_is_refused(old: str, new: str, code: str) -> None:
    assert parse_offer(SHORT)  # the control: it is the change that is refused
    bent = SHORT.replace(old, new) if old else ""
    assert bent != SHORT
    assert code_of(bent) == code


def test_a_short_offer_of_data_only_is_refused() -> None:
    head = SHORT[: SHORT.index("m=audio")].replace("BUNDLE 0 1 2", "BUNDLE 0")
    assert code_of(head + "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:0\r\n") == "no_media"


def test_a_data_channel_in_front_is_refused() -> None:
    """Chromium takes no answer in which the section that names the transport is rejected."""
    data = "m=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\na=mid:9\r\n"
    text = SHORT.replace("m=audio", data + "m=audio")
    assert parse_offer(text.replace("BUNDLE 0", "BUNDLE 0 9")).bundle == ("0", "1", "2")
    assert code_of(text.replace("BUNDLE 0", "BUNDLE 9 0")) == "bad_bundle"


def test_every_code_is_named_and_used() -> None:
    folder = Path(media_routing.sdp.__file__).parent
    sources = "".join(file.read_text() for file in folder.glob("*.py") if file.name != "errors.py")
    assert set(re.findall(r'"((?:bad|no|too|two|weak|insecure|peer)_[a-z_]+|contradiction)"', sources)) == set(CODES)
