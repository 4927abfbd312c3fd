"""Keeps what pages measured: a visit's story, not a log. Metadata, purged per retention (PRIV-4)."""

from datetime import timedelta
from typing import Any, Final

from django.db import transaction
from django.utils import timezone

from consultations.rooms.models import Participant, QualitySample
from consultations.rooms.protocol.quality import QualityReport

INTERVAL: Final = timedelta(seconds=10)
# Three hours of the path in use and as much of paths tried beside it.
MAX_SAMPLES_PER_PERSON: Final = 2 * 3 * 360

_LARGER_IS_WORSE: Final = ("rtt_ms", "jitter_ms", "loss_in", "loss_out", "concealed", "freeze")
_SMALLER_IS_WORSE: Final = ("fps", "in_bps", "out_bps")
_REMEDIES: Final = ("", "lowered", "audio_first", "audio_only")


@transaction.atomic
def record_quality(participant: Participant, sample: QualityReport) -> None:
    """Add a report of an admitted person: at most one row per person and path each ten seconds, the worst of them.

    Not audited: it tells of a network, not of what somebody did. Two queries, three at the start of an interval.
    """
    now = timezone.now()
    rows = QualitySample.objects.filter(participant=participant)
    row = (
        rows.filter(engine=sample.engine, warm=sample.warm, at__gt=now - INTERVAL)
        .select_for_update(of=("self",))
        .order_by("at")
        .last()
    )
    if row is None:
        if rows.count() < MAX_SAMPLES_PER_PERSON:
            QualitySample.objects.create(
                room_id=participant.room_id, participant=participant, at=now, **_worse(None, sample)
            )
        return
    worse = _worse(row, sample)
    changed = [name for name, value in worse.items() if getattr(row, name) != value]
    if changed:
        for name in changed:
            setattr(row, name, worse[name])
        row.save(update_fields=changed)


def _worse(row: QualitySample | None, sample: QualityReport) -> dict[str, Any]:
    """Return the values that the row is to have: of each number the worse one, of each judgement the worse with its factor."""
    worse: dict[str, Any] = {"engine": sample.engine, "warm": sample.warm}
    for medium in ("audio", "video"):
        score, known = getattr(sample, medium), getattr(row, medium, None)
        is_worse = row is None or known is None or (score is not None and score < known)
        worse[medium] = score if is_worse else known
        worse[f"{medium}_factor"] = getattr(sample if is_worse else row, f"{medium}_factor")
    for names, pick in ((_LARGER_IS_WORSE, max), (_SMALLER_IS_WORSE, min)):
        for name in names:
            measured = [value for value in (getattr(row, name, None), getattr(sample, name)) if value is not None]
            worse[name] = pick(measured, default=None)
    worse["remedy"] = max(getattr(row, "remedy", ""), sample.remedy, key=_REMEDIES.index)
    return worse
