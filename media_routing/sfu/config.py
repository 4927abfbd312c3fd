"""The constants of a room in one place, each with its source and what moving it costs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RoomConfig:
    layer_heights: tuple[int, ...] = (180, 360, 720)
    """Nominal heights of simulcast layers, lowest first: what the client asks its encoder for."""
    single_heights: tuple[tuple[str, int], ...] = (("camera", 720), ("screen", 1080))
    """Nominal height of a source that comes as one stream."""
    feedback_interval_s: float = 0.05
    """Transport-wide feedback to publishers; 50 to 100 ms is what makes Chromium ramp up within a second. Higher: less RTCP, slower ramp."""
    report_interval_s: float = 1.0
    """Sender and receiver reports (libwebrtc: 1 s for video). Lower: quicker RTT and loss, more RTCP."""
    quality_interval_s: float = 2.0
    video_packets_kept: int = 512
    """Per layer, for retransmission (LiveKit: 500); a power of two. 720p at 2.5 Mbit/s: about 1.8 s."""
    audio_packets_kept: int = 64
    """Only to recognise duplicates; audio is not retransmitted."""
    source_silent_after_s: float = 3.0
    """A screen without packets this long was unshared: its slot is freed. Chromium repeats a still screen each second."""
    max_video_bps: int = 8_000_000
    """What one layer may bring in; the rest is dropped before it costs the others anything."""
    max_audio_bps: int = 600_000
    """Opus ends at 510 kbit/s (RFC 6716 §2.1.1)."""
    audio_last_n: int = 3
    """Silent microphones outside the last N speakers are not forwarded until they make a sound."""
    audio_silent_after_s: float = 2.0
    """Digital silence this long (a muted track) is silence; a quiet voice never is."""
    pulse_s: float = 0.05
    """How often everything that is not urgent is looked at. Lower: quicker reactions, more CPU in an idle room."""
    learned_ssrcs: int = 32
    """New streams that one leg may bring in its life: 3 layers, their repair, and some restarts."""
