"""Every write to the outbox that a person causes."""

import json
import logging
from typing import Any

from django.conf import settings
from django.db import transaction
from kombu.exceptions import OperationalError

from consultations.clinics.models import Clinic
from consultations.outbox.models import Message
from consultations.outbox.sending import send
from consultations.outbox.wording import VERSIONS, best_language
from telemed import audit
from telemed.accounts.models import User

logger = logging.getLogger(__name__)


@transaction.atomic
def queue_message(
    *,
    clinic: Clinic,
    event: str,
    channel: str,
    language: str,
    recipient: str,
    payload: dict[str, Any],
    subject: str,
    acting_user: User | None,
) -> Message:
    """Add a message to the transaction that gave rise to it; it is sent once that has committed.

    `payload` is JSON for the template and may hold a link: it is encrypted, and emptied after sending.
    `subject` is the public id of the appointment it is about.
    """
    message = Message.objects.create(
        clinic=clinic,
        event=event,
        channel=channel,
        language=best_language(language),
        template_version=VERSIONS[event],
        recipient=recipient,
        payload=json.dumps(payload),
        subject=subject,
    )
    transaction.on_commit(lambda: _wake_sender(message.pk))
    audit.record(
        "message.queued",
        actor=acting_user,
        clinic=clinic.public_id,
        object=f"message:{message.public_id}",
        details={"event": event, "channel": channel, "about": subject},
    )
    return message


def withdraw_messages(clinic: Clinic, subject: str) -> int:
    """Stop what has not left yet about `subject`: no invitation to a cancelled visit. Return how many were stopped.

    Part of a larger action, whose audit entry tells of it: an entry of its own, before that action's other locks,
    could deadlock with a sender that holds a message and waits for the log.
    """
    return Message.objects.filter(clinic=clinic, subject=subject, state=Message.State.QUEUED).update(
        state=Message.State.FAILED, error_code="withdrawn", payload="", next_attempt_at=None
    )


def _wake_sender(message_id: int) -> None:
    """The row is safe by now; waking somebody may fail, then the sweep finds it."""
    if settings.OUTBOX_INLINE:
        send(message_id)
        return
    from consultations.outbox.tasks import send_message

    try:
        send_message.delay(message_id)
    except (OperationalError, OSError):
        logger.warning("no broker: the sweep will send message row %s", message_id)
