"""What was negotiated for one leg, as the forwarding core needs it: no SDP, only numbers and names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["audio", "video"]
SourceName = Literal["microphone", "camera", "screen"]

# The canonical name of everything the server sends (RFC 3550 §6.5.1). One for all: it tells nobody apart.
CNAME = "sfu"


@dataclass(frozen=True, slots=True)
class ExtensionIds:
    """Ids of header extensions (RFC 8285 §4.2), the same for every m-line of a bundle; 0 = not negotiated, else 1..14."""

    mid: int = 0
    rid: int = 0
    repaired_rid: int = 0
    abs_send_time: int = 0
    transport_cc: int = 0
    audio_level: int = 0
    video_orientation: int = 0

    def __post_init__(self) -> None:
        ids = [
            self.mid,
            self.rid,
            self.repaired_rid,
            self.abs_send_time,
            self.transport_cc,
            self.audio_level,
            self.video_orientation,
        ]
        used = [number for number in ids if number]
        if any(not 0 <= number <= 14 for number in ids) or len(used) != len(set(used)):
            raise ValueError("extension ids are distinct and lie between 1 and 14")


@dataclass(frozen=True, slots=True)
class PublishLine:
    """One m-line on which the participant sends."""

    mid: str
    source: SourceName
    kind: Kind
    payload_type: int
    rtx_payload_type: int = 0
    rids: tuple[str, ...] = ()
    """Simulcast layers, lowest first; empty when there is one stream."""
    ssrcs: tuple[int, ...] = ()
    """Announced by `a=ssrc`; empty with simulcast, where they are learned from mid and rid."""
    rtx_ssrcs: tuple[int, ...] = ()
    """Repair streams of `ssrcs`, in the same order (`a=ssrc-group:FID`)."""


@dataclass(frozen=True, slots=True)
class ReceiveSlot:
    """One m-line on which the participant receives whatever source the server maps into it."""

    mid: str
    kind: Kind
    payload_type: int
    rtx_payload_type: int
    ssrc: int
    rtx_ssrc: int
    """0 for audio and where repair was not negotiated."""


@dataclass(frozen=True, slots=True)
class LegPlan:
    """Everything one participant sends and can receive. Ids and payload types may differ from leg to leg."""

    publishes: tuple[PublishLine, ...] = ()
    slots: tuple[ReceiveSlot, ...] = ()
    extensions: ExtensionIds = ExtensionIds()
