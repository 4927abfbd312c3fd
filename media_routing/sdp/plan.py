"""What an offer comes to on our side: who publishes what on which line, and which lines can show other people.

The field names are those of `sfu.plan`, which this package does not know.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from media_routing.sdp.errors import SdpError
from media_routing.sdp.offer import Offer
from media_routing.sdp.section import Codec, Section

KIND_OF_SOURCE: Final[Mapping[str, str]] = {"microphone": "audio", "camera": "video", "screen": "video"}
EXTENSIONS: Final[Mapping[str, str]] = {
    "mid": "urn:ietf:params:rtp-hdrext:sdes:mid",
    "rid": "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id",
    "repaired_rid": "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id",
    "abs_send_time": "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time",
    "transport_cc": "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01",
    "audio_level": "urn:ietf:params:rtp-hdrext:ssrc-audio-level",
    "video_orientation": "urn:3gpp:video-orientation",
}
_MAX_ONE_BYTE_ID: Final = 14  # RFC 8285 §4.2
# RFC 5761 §4: with RTCP on the same port these would be read as RTCP.
_RTCP_PAYLOAD_TYPES: Final = range(64, 96)


@dataclass(frozen=True, slots=True)
class PlannedPublish:
    mid: str
    source: str
    kind: str
    payload_type: int
    rtx_payload_type: int
    rids: tuple[str, ...]
    ssrcs: tuple[int, ...]
    rtx_ssrcs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class PlannedSlot:
    mid: str
    kind: str
    payload_type: int
    rtx_payload_type: int
    ssrc: int
    rtx_ssrc: int


@dataclass(frozen=True, slots=True)
class PlannedLeg:
    """`extensions` maps the names of sfu.plan.ExtensionIds to their id, 0 where not negotiated."""

    publishes: tuple[PlannedPublish, ...]
    slots: tuple[PlannedSlot, ...]
    extensions: Mapping[str, int]


def plan_leg(offer: Offer, sources: Mapping[str, str], draw_ssrc: Callable[[], int]) -> PlannedLeg:
    """`sources` says for each mid that sends what it is ("microphone", "camera", "screen").

    `draw_ssrc` gives random 32-bit numbers for our own streams. Lines that send and have no source are left inactive.
    Raises SdpError: bad_source, bad_direction, no_codec, bad_codec, bad_extension, bad_rid, bad_ssrc.
    """
    _check_sources(offer, sources)
    taken = {0}
    for section in offer.sections:
        taken.update(section.ssrcs, (section.rtx_of or {}).values())

    def fresh() -> int:
        while (ssrc := draw_ssrc()) in taken:
            pass
        taken.add(ssrc)
        return ssrc

    ids = _extension_ids(offer)
    publishes, slots = [], []
    for section in offer.sections:
        if not section.carries_media:
            continue
        choose_codec(section)  # an inactive line is answered with a codec as well, or it could not come back
        if section.direction == "inactive":
            continue
        if section.direction == "sendrecv":
            raise SdpError("bad_direction")  # a line either publishes or shows others: sources move between slots
        if section.direction == "recvonly":
            slots.append(_slot(section, fresh))
        elif section.mid in sources:
            publishes.append(_publish(section, sources[section.mid], ids))
    return PlannedLeg(tuple(publishes), tuple(slots), ids)


def still_fits(plan: PlannedLeg, offer: Offer, sources: Mapping[str, str]) -> bool:
    """Whether a later offer of the same connection (an ICE restart) asks for the same; only then may its leg go on."""
    ssrcs = iter([ssrc for slot in plan.slots for ssrc in (slot.ssrc, slot.rtx_ssrc) if ssrc])
    try:
        return plan_leg(offer, sources, lambda: next(ssrcs)) == plan
    except (StopIteration, SdpError):
        return False


def choose_codec(section: Section) -> tuple[Codec, Codec | None]:
    """(Opus or VP8, its RTX if offered). Raises SdpError: no_codec, bad_codec."""
    wanted = ("opus", 48000, 2) if section.kind == "audio" else ("vp8", 90000, 1)
    for codec in section.codecs:
        if (codec.name, codec.clock_hz, codec.channels) == wanted:
            break
    else:
        raise SdpError("no_codec")
    repairs = [one for one in section.codecs if one.name == "rtx" and one.apt == codec.payload_type]
    rtx = repairs[0] if repairs and section.kind == "video" else None
    if any(one.payload_type in _RTCP_PAYLOAD_TYPES for one in (codec, rtx) if one):
        raise SdpError("bad_codec")
    return codec, rtx


def _check_sources(offer: Offer, sources: Mapping[str, str]) -> None:
    sending = {
        section.mid: section.kind
        for section in offer.sections
        if section.carries_media and section.direction == "sendonly"
    }
    if len(set(sources.values())) != len(sources):
        raise SdpError("bad_source")
    for mid, source in sources.items():
        if source not in KIND_OF_SOURCE or sending.get(mid) != KIND_OF_SOURCE[source]:
            raise SdpError("bad_source")


def _publish(section: Section, source: str, ids: Mapping[str, int]) -> PlannedPublish:
    codec, rtx = choose_codec(section)
    # Layers are known by their rid, whatever was announced; a single stream may be known by its SSRC alone.
    ssrcs = () if section.rids else section.ssrcs
    if section.rids and not (ids["mid"] and ids["rid"]):
        raise SdpError("bad_rid")
    if len(ssrcs) > 1 or not (ssrcs or ids["mid"]):
        raise SdpError("bad_ssrc")
    rtx_of = section.rtx_of or {}
    return PlannedPublish(
        section.mid,
        source,
        section.kind,
        codec.payload_type,
        rtx.payload_type if rtx else 0,
        section.rids,
        ssrcs,
        tuple(rtx_of[ssrc] for ssrc in ssrcs if ssrc in rtx_of),
    )


def _slot(section: Section, fresh: Callable[[], int]) -> PlannedSlot:
    codec, rtx = choose_codec(section)
    ssrc = fresh()
    return PlannedSlot(
        section.mid,
        section.kind,
        codec.payload_type,
        rtx.payload_type if rtx else 0,
        ssrc,
        fresh() if rtx else 0,
    )


def _extension_ids(offer: Offer) -> dict[str, int]:
    ids = dict.fromkeys(EXTENSIONS, 0)
    for name, uri in EXTENSIONS.items():
        for section in offer.sections:
            extension = (section.extensions or {}).get(uri)
            if extension is None or extension.id > _MAX_ONE_BYTE_ID:
                continue
            if ids[name] not in (0, extension.id):
                raise SdpError("bad_extension")
            ids[name] = extension.id
    return ids
