"""From a queued row to the network and back, at least once (REL-8).

An attempt first leases the row in the database, then talks to the network outside any transaction, then writes
what came of it. A worker that dies in between leaves a lease that runs out; the sweep tries again, and the
message carries the same id, so the receiving side can drop the repeat.
"""

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from consultations.outbox.channels import deliver
from consultations.outbox.errors import DeliveryFailed
from consultations.outbox.models import Message
from telemed import audit

logger = logging.getLogger(__name__)

LEASE_S = 120  # longer than settings.EMAIL_TIMEOUT and a slow gateway together
# Seconds until the next attempt; after the last one the message has failed. About 17 hours in all.
BACKOFF_S = (30, 120, 600, 1800, 3600, 3 * 3600, 12 * 3600)


def send(message_id: int) -> bool:
    """Make one attempt if the message is due and nobody else is at it. Return whether it went out."""
    if not _lease(message_id):
        return False
    message = Message.objects.select_related("clinic").get(pk=message_id)
    try:
        deliver(message)
    except DeliveryFailed as failure:
        _note_failure(message, failure)
        return False
    _note_sent(message)
    return True


def due_messages(limit: int = 200) -> list[int]:
    """Return ids of queued messages whose time has come, oldest first."""
    due = Message.objects.filter(_due()).order_by("created_at")
    return list(due.values_list("pk", flat=True)[:limit])


def _due() -> Q:
    now = timezone.now()
    return Q(state=Message.State.QUEUED) & (Q(next_attempt_at__isnull=True) | Q(next_attempt_at__lte=now))


def _lease(message_id: int) -> bool:
    leased = Message.objects.filter(_due(), pk=message_id).update(
        attempts=F("attempts") + 1, next_attempt_at=timezone.now() + timedelta(seconds=LEASE_S)
    )
    return bool(leased)


@transaction.atomic
def _note_sent(message: Message) -> None:
    # Withdrawn while it was under way: the row already says what happened, and holds no payload any more.
    Message.objects.filter(pk=message.pk, state=Message.State.QUEUED).update(
        state=Message.State.SENT, sent_at=timezone.now(), payload="", error_code="", next_attempt_at=None
    )
    _record("message.sent", message)


@transaction.atomic
def _note_failure(message: Message, failure: DeliveryFailed) -> None:
    queued = Message.objects.filter(pk=message.pk, state=Message.State.QUEUED)
    if failure.permanent or message.attempts > len(BACKOFF_S):
        logger.warning("message %s failed: %s", message.public_id, failure.code)
        queued.update(state=Message.State.FAILED, error_code=failure.code, payload="", next_attempt_at=None)
        _record("message.failed", message, code=failure.code)
    else:
        wait = timedelta(seconds=BACKOFF_S[message.attempts - 1])
        queued.update(error_code=failure.code, next_attempt_at=timezone.now() + wait)


def _record(event: str, message: Message, **details: str) -> None:
    audit.record(
        event,
        clinic=message.clinic.public_id,
        object=f"message:{message.public_id}",
        details={"event": message.event, **details},
    )
