"""What is good, fair and poor for a kind of visit: the one table, in the names of Python, JSON and JavaScript (docs/ROUTING.md).

Each limit is (fair beyond, poor beyond); of FLOORS smaller is worse. Ratios 0 to 1, rates in bit/s. Sources:

    rtt_ms       ITU-T G.114 (150 ms one way is noticed), Maryland COMAR 10.32.05 (under 300 ms)
    *_loss       LiveKit's connection scorer; for sound with Opus's own repair
    jitter_ms    Microsoft Teams (30 ms); mobile telestroke study, Stroke 2016 (41 ms borderline)
    concealed    as loss that repair did not mend
    freeze       W3C WebRTC statistics (freezes are part of the picture's time)
    fps          COMAR (15 pictures/s at least); 18, not 30, because a camera in a dim room gives 20
    out_bps      KUMC (384 to 768 kbit/s each way); telestroke 400; dermatology 512; Mend (300 + 50 are the floor)

Where a profile differs and names no source, the difference is ours: what the visit can do without is judged later.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

Profile = Literal["general", "talking", "neurology", "dermatology"]
Limit = tuple[float, float]
Limits = Mapping[str, Limit]

CEILINGS: Final = ("rtt_ms", "audio_loss", "video_loss", "jitter_ms", "concealed", "freeze")
FLOORS: Final = ("fps", "out_bps")
NAMES: Final = (*CEILINGS, *FLOORS)

# Scores that pages report: at or above GOOD all is well; below POOR it is clinically unacceptable.
GOOD: Final = 70
POOR: Final = 40

_GENERAL: Final[dict[str, Limit]] = {
    "rtt_ms": (200, 300),
    "audio_loss": (0.025, 0.075),
    "video_loss": (0.02, 0.06),
    "jitter_ms": (30, 35),
    "concealed": (0.02, 0.05),
    "freeze": (0.02, 0.05),
    "fps": (18, 15),
    "out_bps": (768_000, 384_000),
}


@dataclass(frozen=True, slots=True)
class QualityProfile:
    """`watches`: what may move a visit. `frames_count`: whether few pictures per second do, which may also be a dim room."""

    limits: Limits
    watches: tuple[Literal["audio", "video"], ...] = ("audio", "video")
    frames_count: bool = False


def _with(**limits: Limit) -> Limits:
    return MappingProxyType({**_GENERAL, **limits})


PROFILES: Final[Mapping[str, QualityProfile]] = MappingProxyType(
    {
        "general": QualityProfile(_with()),
        # Every word counts, also a quiet one; a picture that stutters is a pity and no reason to move.
        "talking": QualityProfile(
            _with(
                audio_loss=(0.02, 0.05),
                concealed=(0.01, 0.03),
                video_loss=(0.04, 0.1),
                freeze=(0.05, 0.1),
                fps=(12, 8),
                out_bps=(350_000, 120_000),
            ),
            watches=("audio",),
        ),
        # Tremor and gait need even movement.
        "neurology": QualityProfile(
            _with(jitter_ms=(25, 35), freeze=(0.01, 0.03), fps=(24, 15), out_bps=(768_000, 400_000)), frames_count=True
        ),
        # A lesion is looked at, it does not move: fewer pictures, each with its detail.
        "dermatology": QualityProfile(_with(video_loss=(0.015, 0.05), fps=(12, 8), out_bps=(1_000_000, 512_000))),
    }
)

# Within which a clinic may set its own: (least, most) for both numbers of a limit. Beyond them a limit says nothing any
# more, or calls a fine line poor: 400 ms one way makes talking impossible (G.114), 15 % loss is a failed call.
BOUNDS: Final[Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "rtt_ms": (100, 800),
        "audio_loss": (0.005, 0.15),
        "video_loss": (0.005, 0.15),
        "jitter_ms": (10, 100),
        "concealed": (0.005, 0.15),
        "freeze": (0.005, 0.2),
        "fps": (5, 30),
        "out_bps": (50_000, 4_000_000),
    }
)


def limits_for(profile: str, own: Mapping[str, Limit] | None = None) -> Limits:
    """Return the limits of a profile with a clinic's own in their place; what is none is left out."""
    limits = dict(PROFILES[profile].limits)
    for name, limit in (own or {}).items():
        if name in limits and is_limit(name, limit):
            limits[name] = limit
    return MappingProxyType(limits)


def is_limit(name: str, limit: Limit) -> bool:
    """Return whether both numbers are within bounds and poor lies beyond fair."""
    fair, poor = limit
    least, most = BOUNDS[name]
    in_order = fair < poor if name in CEILINGS else fair > poor
    return in_order and least <= fair <= most and least <= poor <= most
