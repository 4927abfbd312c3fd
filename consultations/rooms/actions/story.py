"""Keeps what pages measured: a visit's story, not a log. Metadata, purged per retention (PRIV-4)."""

from datetime import timedelta
from typing import Final

from django.utils import timezone

from consultations.rooms.models import Participant, QualitySample
from consultations.rooms.protocol.quality import QualityReport

# Three hours of the path in use and as much of paths tried beside it.
MAX_SAMPLES_PER_PERSON: Final = 2 * 3 * 360
_STORED: Final = (
    "engine", "warm", "audio", "video", "audio_factor", "video_factor", "rtt_ms", "jitter_ms",
    "loss_in", "loss_out", "concealed", "freeze", "fps", "in_bps", "out_bps", "remedy",
)  # fmt: skip


def record_quality(participant: Participant, sample: QualityReport, *, age_s: float = 0) -> None:
    """Store the worst of ten seconds (worst_quality.py), which began `age_s` ago, of an admitted person.

    Not audited: it tells of a network, not of what somebody did. Two queries.
    """
    if QualitySample.objects.filter(participant=participant).count() >= MAX_SAMPLES_PER_PERSON:
        return
    QualitySample.objects.create(
        room_id=participant.room_id,
        participant=participant,
        at=timezone.now() - timedelta(seconds=age_s),
        **{name: getattr(sample, name) for name in _STORED},
    )
