"""What a page measures of a path between it and the others, every 2 s: numbers and a judgement, no address and no content."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class QualityReport:
    """`warm`: of the path beside the one in use. Scores 0 to 100, ratios 0 to 1; None was not measured."""

    warm: bool
    engine: str
    audio: int | None
    video: int | None
    # What limits: rtt, loss, jitter, bitrate, frames, freeze or sound; '' is nothing.
    audio_factor: str
    video_factor: str
    rtt_ms: int | None
    jitter_ms: int | None
    loss_in: float | None
    loss_out: float | None
    concealed: float | None
    freeze: float | None
    fps: float | None
    in_bps: int | None
    out_bps: int | None
    available_out_bps: int | None
    # What the sender already does about it: '', lowered, audio_first or audio_only.
    remedy: str
