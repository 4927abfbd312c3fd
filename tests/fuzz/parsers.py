"""Targets that read bytes or text of a stranger and give values back. Each says what may escape, and what must hold."""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence

from consultations.rooms import protocol
from consultations.rooms.protocol import ProtocolError
from media_routing import sdp
from media_routing.rtp import extensions, packet, rtcp, vp8
from media_routing.rtp.rtcp.transport import MAX_STATUSES
from tests.consultations.rooms.test_protocol import CANDIDATE, ID, SDP, STREAM, signal
from tests.fuzz.engine import Target
from tests.fuzz.mutation import decode, encode, mutate_bytes, mutate_json, mutate_rtcp, mutate_text
from tests.media_routing.rtcp.test_packets import WRITTEN
from tests.media_routing.sdp.offers import OFFERS, SHORT, answer, ssrcs
from tests.media_routing.sdp.test_candidate import READ
from tests.media_routing.sfu.cast import make_rtp, make_vp8

HEADROOM = 32


def rtp_seeds() -> Sequence[bytes]:
    mid_and_rid = ((4, b"1"), (10, b"l"), (3, b"\0\7"), (1, b"\x28"), (13, b"\1"))
    frame = make_vp8(100, 5, 3, key=True)
    two_byte = struct.pack("!BBHIIHH", 0x90, 96, 1, 2, 3, 0x1000, 2) + b"\4\1a\3\2\0\7\0" + frame
    return [
        make_rtp(111, 1, 2, 3, b"opus"),
        make_rtp(96, 65535, 2**32 - 1, 3, frame, marker=True, elements=mid_and_rid),
        make_rtp(97, 1, 2, 3, b"", elements=mid_and_rid, padding=255),
        make_rtp(97, 1, 2, 3, b"\0\1" + frame, elements=mid_and_rid[:3], padding=1),
        two_byte,
        struct.pack("!BBHII8x", 0x82, 96, 1, 2, 3) + frame,
    ]


def run_rtp(data: bytes) -> None:
    """Header, extensions and normalising, as the publisher reads them."""
    arena = bytearray(HEADROOM) + data
    view = memoryview(arena)
    second, sequence, timestamp, ssrc, profile, extension_at, at, end = packet.parse(view, HEADROOM, len(data))
    assert HEADROOM + 12 <= extension_at <= at <= end <= len(arena)
    wide, extra = extensions.scan(view, profile, extension_at, at, 3, 1)
    assert -1 <= wide <= 0xFFFF
    assert -1 <= extra <= 0xFF
    for number, start, size in extensions.elements(view, profile, extension_at, at):
        assert number
        assert extension_at < start <= start + size <= at
    for wanted in (4, 10, 11):
        assert len(extensions.read_text(view, profile, extension_at, at, wanted)) <= 16
    kept = packet.normalise(view, at, end, second, sequence, timestamp, ssrc, extra)
    assert kept[packet.NORMALISED_SIZE :] == data[at - HEADROOM : end - HEADROOM]


def vp8_seeds() -> Sequence[bytes]:
    return [
        make_vp8(100, 5, 3, key=True),
        make_vp8(0x7FFF, 255, 31, key=False),
        make_vp8(1, 2, 3, key=False, start=False),
        b"\x10\x00frame",
        b"\x90\x80\x05\x01frame",
        b"\x90\x20\xe5\x01frame",
    ]


def run_vp8(data: bytes) -> None:
    """A patch changes the numbers, in their place, and nothing else."""
    vp8.is_key_frame_start(data, 0)
    descriptor = vp8.parse(data, 0)
    if descriptor is None:
        return
    assert 1 <= descriptor.size <= len(data)
    patched = bytearray(data)
    vp8.patch(memoryview(patched), 0, descriptor, 40000, 300, 40)
    after = vp8.parse(bytes(patched), 0)
    assert after is not None
    assert (after.size, after.is_wide, after.picture_at) == (descriptor.size, descriptor.is_wide, descriptor.picture_at)
    assert patched[descriptor.size :] == data[descriptor.size :]
    vp8.patch(memoryview(patched), 0, after, -40000, -300, -40)
    assert patched == data


def rtcp_seeds() -> Sequence[bytes]:
    arrivals = [(n, n * 900 + (n % 7) * 70_000) for n in range(65500, 65700) if n % 5]
    feedback = [one.build() for one in rtcp.make_feedback(1, 2, 3, arrivals)]
    single = [one.build() for one, _ in WRITTEN]
    # A last chunk may say more than was counted.
    silence = rtcp.TransportFeedback(1, 2, 3, 4, 5, (None,) * MAX_STATUSES).build()
    feedback.append(silence[:20] + b"\x1f\xff" + silence[22:])
    unknown = bytes.fromhex("80cf0001 00000001 80cc0002 00000001 58585858")
    return [*single, *feedback, b"".join(single), unknown + single[0] + feedback[0]]


def run_rtcp(data: bytes) -> None:
    """What was read can be written and is read again as the same; its size is bounded by the datagram's."""
    packets = rtcp.parse(data)
    statuses = sum(len(one.times_us) for one in packets if isinstance(one, rtcp.TransportFeedback))
    assert statuses <= MAX_STATUSES
    assert sum(len(one.sequences) for one in packets if isinstance(one, rtcp.Nack)) <= len(data) // 4 * 17
    for one in packets:
        [again] = rtcp.parse(one.build())
        if isinstance(one, rtcp.Nack):
            assert isinstance(again, rtcp.Nack)
            assert set(again.sequences) == set(one.sequences)
        else:
            assert again == one


def sdp_seeds() -> Sequence[bytes]:
    """Those of small rooms: more of the same sections would only be slower."""
    return [encode(SHORT), *(encode(text) for name, text in OFFERS.items() if "-2" in name)]


def run_sdp(data: bytes) -> None:
    """Offer, plan, answer; a restart with the same offer fits."""
    offer = sdp.parse_offer(decode(data))
    names = {"audio": ["microphone"], "video": ["screen", "camera"]}
    sources = {
        section.mid: names[section.kind].pop()
        for section in offer.sections
        if section.carries_media and section.direction == "sendonly" and names[section.kind]
    }
    plan = sdp.plan_leg(offer, sources, ssrcs())
    text = answer(offer, plan)
    assert sdp.still_fits(plan, offer, sources)
    assert text.count("\r\nm=") == len(offer.sections)
    assert all(len(line) < 4096 and line[1:2] == "=" and line.isprintable() for line in text.split("\r\n")[:-1])
    numbers = [number for slot in plan.slots for number in (slot.ssrc, slot.rtx_ssrc) if number]
    assert len(numbers) == len(set(numbers))


def candidate_seeds() -> Sequence[bytes]:
    return [encode(text) for text, _ in READ]


def run_candidate(data: bytes) -> None:
    candidate = sdp.parse_candidate(decode(data))
    assert sdp.parse_candidate(candidate.build()) == candidate
    assert candidate.build().isprintable()


def signaling_seeds() -> Sequence[bytes]:
    """One of every message: new ones are found by the fields that they share with these."""
    values = {
        "v": 1,
        "page": "page-one-1",
        "rev": 0,
        "to": ID,
        "stream": STREAM,
        "seq": 1,
        "id": "1",
        "outcome": "done",
        "participant": ID,
        "identity": "known",
        "device": ID,
        "reason": "other",
        "connection": "connect-1",
        "sdp": SDP,
        "sources": {"0": "microphone", "1": "camera"},
        "wants": [{"participant": ID, "source": "camera", "height": 360, "pinned": False}],
        "report": {"state": "connected", "route": "relay", "local": "relay", "remote": "host", "rtt_ms": 12.6},
        "body": {"kind": "chat", "message": {"id": "1", "at_ms": 1, "text": "hello"}},
        "role": "interpreter",
        "name": "Ada",
        "language": "de",
        "contact": "ada@example.org",
        "kind": "no_sound",
        "answer": "yes",
        "warm": False,
        "engine": "p2p",
        "audio": 90,
        "video": None,
        "audio_factor": "",
        "video_factor": "loss",
        "rtt_ms": 40.5,
        "jitter_ms": 5,
        "loss_in": 0.01,
        "loss_out": 0,
        "concealed": 0.5,
        "freeze": None,
        "fps": 24.9,
        "in_bps": 900_000,
        "out_bps": 900_000,
        "available_out_bps": None,
        "remedy": "lowered",
    }
    kinds = [json.dumps({"type": kind, **values}) for kind in protocol.READERS]
    bodies: list[object] = [
        {"kind": "description", "type": "offer", "sdp": SDP},
        {"kind": "candidate", "candidate": {"candidate": CANDIDATE, "sdpMid": "0", "sdpMLineIndex": 0}},
        {"kind": "candidate", "candidate": None},
        {"kind": "restart"},
    ]
    said = [
        {"kind": "media", "media": {"mic": True, "camera": True, "screen": False, "hand": False, "sends": True}},
        {"kind": "history", "messages": [{"id": "1", "at_ms": 1, "text": "hello"}]},
    ]
    says = [json.dumps({"type": "say", "to": None, "body": body}) for body in said]
    return [encode(text) for text in [*kinds, *map(signal, bodies), *says]]


def run_signaling(data: bytes) -> None:
    """What is relayed can be sent: as JSON, as UTF-8."""
    message = protocol.parse(decode(data))
    if isinstance(message, protocol.Signal):
        json.dumps(message.body.as_json(), allow_nan=False, ensure_ascii=False).encode()


TARGETS = [
    Target("rtp", run_rtp, (packet.RtpError,), rtp_seeds, mutate_bytes),
    Target("vp8", run_vp8, (), vp8_seeds, mutate_bytes),
    Target("rtcp", run_rtcp, (rtcp.RtcpError,), rtcp_seeds, mutate_rtcp, runs=6000),
    Target("sdp", run_sdp, (sdp.SdpError,), sdp_seeds, mutate_text, runs=600, traced=0.3),
    Target("candidate", run_candidate, (sdp.SdpError,), candidate_seeds, mutate_text),
    Target(
        "signaling", run_signaling, (ProtocolError,), signaling_seeds, mutate_json, watched=("consultations/rooms",)
    ),
]
