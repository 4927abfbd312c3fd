"""What the worker does for recordings. Task arguments are row ids."""

from celery import shared_task
from django.utils import timezone

from consultations.recordings.actions import attachments, ending, filming, keeping


@shared_task(name="recordings.finalise")
def finalise(recording_pk: int) -> bool:
    return ending.finish_recording(recording_pk)


@shared_task(name="recordings.recover")
def recover() -> int:
    """Find recordings and combined files whose process died. Runs every 20 s, and when a worker starts."""
    now = timezone.now()
    return ending.recover_lost(now) + filming.recover_films(now)


@shared_task(name="recordings.sweep")
def sweep() -> int:
    """Delete what is past its time. Runs every hour; return how many files went."""
    return keeping.sweep_recordings(timezone.now())


@shared_task(name="recordings.scan")
def scan() -> int:
    """Ask the scanner about attachments that still wait. Runs every minute."""
    return attachments.scan_attachments()


@shared_task(name="recordings.combine")
def combine(film_pk: int) -> bool:
    """Make one file of everybody. The only job that decodes what was recorded."""
    return filming.make_film(film_pk)
