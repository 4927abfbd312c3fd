"""What the worker does for visits."""

from celery import shared_task
from django.core.management import call_command
from django.utils import timezone

from consultations.rooms.actions.retention import purge_call_metadata


@shared_task(name="rooms.purge_call_metadata")
def purge() -> int:
    """Forget old calls and ended sessions (PRIV-4). Runs daily; return how many visits lost their traces."""
    call_command("clearsessions")
    return purge_call_metadata(timezone.now())
