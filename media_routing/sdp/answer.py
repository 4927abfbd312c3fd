"""The answer of an ICE-lite SFU (RFC 8829 §5.3): the offer's own numbers, our transport, a source per receive slot."""

from collections.abc import Sequence
from typing import Final

from media_routing.sdp.candidate import Candidate
from media_routing.sdp.offer import Fingerprint, Offer
from media_routing.sdp.plan import EXTENSIONS, PlannedLeg, PlannedPublish, PlannedSlot, choose_codec
from media_routing.sdp.section import Codec, Section

# Asked for where offered. REMB only where there is nothing better.
_FEEDBACK: Final = ("transport-cc", "ccm fir", "nack", "nack pli")
_MIRRORED: Final = {"sendonly": "recvonly", "recvonly": "sendonly", "sendrecv": "sendrecv", "inactive": "inactive"}
# usedtx (RFC 7587 §3.1.3): who is silent sends 3 packets/s instead of 50. Seven silent voices of a visit of eight would
# cost 300 kbit/s, two of three half of a narrow link.
_OPUS: Final = "minptime=10;useinbandfec=1;usedtx=1"
_OF_LAYERS: Final = frozenset({"rid", "repaired_rid"})
_ENDING: Final = "\r\n"


def build_answer(
    offer: Offer,
    plan: PlannedLeg,
    *,
    ufrag: str,
    pwd: str,
    fingerprint: Fingerprint,
    candidates: Sequence[Candidate],
    cname: str,
    session_id: int,
    version: int = 1,
) -> str:
    """`plan` is `plan_leg(offer, ...)`. `session_id` stays (below 2^63) and `version` grows over a connection's answers."""
    publishes = {publish.mid: publish for publish in plan.publishes}
    slots = {slot.mid: slot for slot in plan.slots}
    lines = [
        "v=0",
        f"o=- {session_id} {version} IN IP4 127.0.0.1",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(offer.bundle)}",
        "a=ice-lite",
    ]
    transport = [
        f"a=ice-ufrag:{ufrag}",
        f"a=ice-pwd:{pwd}",
        f"a=fingerprint:{fingerprint.algorithm} {fingerprint.value}",
        "a=setup:passive",
    ]
    addresses = [*(f"a={candidate.build()}" for candidate in candidates), "a=end-of-candidates"]
    for section in offer.sections:
        if not section.carries_media:
            lines += _refusal(section)
            continue
        lines += _section(section, publishes.get(section.mid), slots.get(section.mid), cname)
        # One transport, named in each section: aiortc takes the candidates of the last one that is bundled.
        lines += [*transport, *addresses]
    return _ENDING.join(lines) + _ENDING


def _refusal(section: Section) -> list[str]:
    return [f"m={section.kind} 0 {section.profile} {section.formats}", "c=IN IP4 0.0.0.0", f"a=mid:{section.mid}"]


def _section(section: Section, publish: PlannedPublish | None, slot: PlannedSlot | None, cname: str) -> list[str]:
    codecs = [codec for codec in choose_codec(section) if codec]
    payload_types = " ".join(str(codec.payload_type) for codec in codecs)
    lines = [
        f"m={section.kind} 9 {section.profile} {payload_types}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        "a=recvonly" if publish else "a=sendonly" if slot else "a=inactive",
        "a=rtcp-mux",
    ]
    lines += ["a=rtcp-rsize"] if section.reduced_size else []
    for codec in codecs:
        lines += _codec(codec)
    for name, uri in EXTENSIONS.items():
        if name in _OF_LAYERS and not (publish and publish.rids):
            continue
        if extension := (section.extensions or {}).get(uri):
            direction = _MIRRORED[extension.direction]
            lines.append(f"a=extmap:{extension.id}{'' if direction == 'sendrecv' else f'/{direction}'} {uri}")
    if publish and publish.rids:
        lines += [f"a=rid:{rid} recv" for rid in publish.rids]
        lines.append(f"a=simulcast:recv {';'.join(publish.rids)}")
    if slot:
        lines += _sources(slot, cname)
    return lines


def _codec(codec: Codec) -> list[str]:
    number = codec.payload_type
    channels = f"/{codec.channels}" if codec.channels > 1 else ""
    lines = [f"a=rtpmap:{number} {codec.name if codec.name != 'vp8' else 'VP8'}/{codec.clock_hz}{channels}"]
    if codec.name == "rtx":
        return [*lines, f"a=fmtp:{number} apt={codec.apt}"]
    wanted = _FEEDBACK if "transport-cc" in codec.feedback else (*_FEEDBACK, "goog-remb")
    lines += [f"a=rtcp-fb:{number} {feedback}" for feedback in wanted if feedback in codec.feedback]
    if codec.name == "opus":
        lines.append(f"a=fmtp:{number} {_OPUS}")
    return lines


def _sources(slot: PlannedSlot, cname: str) -> list[str]:
    """No msid: which person a slot shows changes without a new answer, and the page is told over signaling."""
    lines = [f"a=ssrc-group:FID {slot.ssrc} {slot.rtx_ssrc}"] if slot.rtx_ssrc else []
    ssrcs = [slot.ssrc, slot.rtx_ssrc] if slot.rtx_ssrc else [slot.ssrc]
    return lines + [f"a=ssrc:{ssrc} cname:{cname}" for ssrc in ssrcs]
