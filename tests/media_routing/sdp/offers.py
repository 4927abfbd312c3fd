"""The captured offers (browsers.py renews them) and one short enough to be read and bent."""

from __future__ import annotations

import functools
import random
from collections.abc import Callable
from pathlib import Path

from media_routing.sdp import Fingerprint, Offer, PlannedLeg, build_answer, host_candidates

OFFERS = {file.stem: file.read_bytes().decode() for file in sorted((Path(__file__).parent / "offers").glob("*.sdp"))}
SOURCES = {"0": "microphone", "1": "camera", "2": "screen"}
FINGERPRINT = Fingerprint("sha-256", ":".join(["5A"] * 32))
DIGEST = ":".join(["AB"] * 32)

SHORT = f"""\
v=0
o=- 1 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0 1 2
m=audio 9 UDP/TLS/RTP/SAVPF 111 0
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {DIGEST}
a=setup:actpass
a=mid:0
a=extmap:1 urn:ietf:params:rtp-hdrext:ssrc-audio-level
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=sendonly
a=rtcp-mux
a=rtpmap:111 opus/48000/2
a=rtcp-fb:111 transport-cc
a=ssrc:1001 cname:x
m=video 9 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {DIGEST}
a=setup:actpass
a=mid:1
a=extmap:4 urn:ietf:params:rtp-hdrext:sdes:mid
a=extmap:10 urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id
a=extmap:11 urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id
a=sendonly
a=rtcp-mux
a=rtcp-rsize
a=rtpmap:96 VP8/90000
a=rtcp-fb:96 nack
a=rtcp-fb:96 nack pli
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
a=rid:l send
a=rid:h send
a=simulcast:send l;h
m=video 0 UDP/TLS/RTP/SAVPF 96 97
c=IN IP4 0.0.0.0
a=bundle-only
a=ice-ufrag:abcd
a=ice-pwd:abcdefghijklmnopqrstuv
a=fingerprint:sha-256 {DIGEST}
a=setup:actpass
a=mid:2
a=recvonly
a=rtcp-mux
a=rtpmap:96 VP8/90000
a=rtpmap:97 rtx/90000
a=fmtp:97 apt=96
""".replace("\n", "\r\n")


def ssrcs(seed: int = 7) -> Callable[[], int]:
    return functools.partial(random.Random(seed).getrandbits, 32)


def answer(offer: Offer, plan: PlannedLeg, version: int = 1) -> str:
    return build_answer(
        offer,
        plan,
        ufrag=f"telemed{version}",
        pwd="p" * 24,
        fingerprint=FINGERPRINT,
        candidates=host_candidates(["192.0.2.1", "2001:db8::1"], 40000),
        cname="sfu",
        session_id=2**62,
        version=version,
    )
