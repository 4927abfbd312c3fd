"""What the participants of a visit send, for the offer of a captured Chromium: the start of everything bent."""

from __future__ import annotations

import struct
from random import Random

from media_routing.rtp import rtcp
from media_routing.runtime.negotiation import begin
from media_routing.sfu.plan import LegPlan
from tests.media_routing.sdp.offers import OFFERS, SOURCES
from tests.media_routing.sfu.cast import make_rtp, make_vp8


def make_plan(seed: int) -> LegPlan:
    return begin(OFFERS["chromium-5"], SOURCES, Random(seed)).leg_plan


def make_media(plan: LegPlan) -> list[bytes]:
    """A second of everything: speech, three layers, their repair, a screen, padding that probes."""
    ids = plan.extensions
    microphone, camera, screen = plan.publishes
    packets, wide = [], 0

    def add(line, ssrc, sequence, payload, *, pt=0, marker=False, elements=(), padding=0):  # type: ignore[no-untyped-def]
        nonlocal wide
        wide += 1
        number = (ids.transport_cc, struct.pack("!H", wide))
        packets.append(
            make_rtp(
                pt or line.payload_type,
                sequence,
                3000 * sequence,
                ssrc,
                payload,
                marker=marker,
                elements=[number, *elements],
                padding=padding,
            )
        )

    for step in range(3):
        add(microphone, microphone.ssrcs[0], step, b"opus" * 10, elements=[(ids.audio_level, bytes((30 + step,)))])
        for layer, rid in enumerate(camera.rids):
            names = [(ids.mid, camera.mid.encode()), (ids.rid, rid.encode()), (ids.video_orientation, b"\0")]
            frame = make_vp8(step, step, 0, key=step == 0)
            add(camera, 5000 + layer, step * 2, frame, marker=True, elements=names)
            repaired = [names[0], (ids.repaired_rid, rid.encode())]
            again = struct.pack("!H", step * 2 + 1) + make_vp8(step, step, 0, key=False, start=False)
            add(camera, 6000 + layer, step, again, pt=camera.rtx_payload_type, elements=repaired)
            add(camera, 6000 + layer, step + 9, b"", pt=camera.rtx_payload_type, elements=repaired, padding=200)
        add(screen, screen.ssrcs[0], step, make_vp8(step, step, 0, key=step == 0), marker=True)
    return packets


def make_control(plan: LegPlan) -> list[bytes]:
    """Reports, feedback and wishes about the slots of `plan`."""
    video = [slot for slot in plan.slots if slot.kind == "video"]
    blocks = tuple(rtcp.ReportBlock(slot.ssrc, 0.1, 5, 70, 3, 0, 0) for slot in video[:2])
    feedback = rtcp.make_feedback(1, video[0].ssrc, 0, [(n, n * 5000) for n in range(1, 60) if n % 6])
    report = rtcp.SenderReport(plan.publishes[0].ssrcs[0], 100 << 32, 3000, 3, 120, blocks)
    return [
        report.build() + rtcp.SourceDescription.of(1, "x").build(),
        rtcp.ReceiverReport(1, blocks).build() + rtcp.Nack(1, video[0].ssrc, tuple(range(20))).build(),
        rtcp.PictureLoss(1, video[0].ssrc).build() + rtcp.FullIntra(1, ((video[1].ssrc, 7),)).build(),
        rtcp.Remb(1, 300_000, (video[0].ssrc,)).build(),
        *[one.build() for one in feedback],
        rtcp.Goodbye((plan.publishes[0].ssrcs[0],)).build(),
    ]
